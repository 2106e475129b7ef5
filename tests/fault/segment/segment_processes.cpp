#include "tests/fault/segment/segment_processes.hpp"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <jeton/client.hpp>
#include <string>
#include <thread>
#include <vector>

#include "agent/segment/segment_store.hpp"
#include "tests/fault/segment/child.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {
namespace {

std::atomic<bool> told_to_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

agent::SegmentOptions options(std::size_t capacity) { return {"api", capacity, {}, agent::Policy::warn}; }

void judge(ReaderReport& report, std::string_view value, agent::Generation claimed) {
  ++report.good;
  const agent::Generation generation = checked_generation(value);
  if (generation == 0 || generation != claimed) ++report.torn;
  if (claimed < report.newest) ++report.older;
  if (claimed != report.newest) ++report.generations;
  report.newest = claimed;
}

// By the one way and by the other, in turn.
void read_once(const Token& token, Reader& reader, ReaderReport& report) {
  Status status;
  if (report.good % 2 == 0) {
    const auto current = reader.current();
    status = current.status();
    if (current) judge(report, current->value(), current->generation());
  } else {
    const auto copy = token.read();
    status = copy.status();
    if (copy) judge(report, copy->value, copy->info.generation());
  }
  if (status == JETON_BUSY) {
    ++report.busy;
  } else if (!status.ok()) {
    ++report.failures;
  }
}

// Of several threads, what the least one did counts for what each should do.
void add(ReaderReport& to, const ReaderReport& other) {
  to.good += other.good;
  to.busy += other.busy;
  to.torn += other.torn;
  to.older += other.older;
  to.failures += other.failures;
  to.generations = std::min(to.generations, other.generations);
  to.newest = std::min(to.newest, other.newest);
}

}  // namespace

agent::Record token_of(agent::Generation generation) {
  return sample_record(generation, checked_value(generation, 24 + generation * 37 % 2000));
}

void publish_some(const std::filesystem::path& directory, agent::Generation count, std::size_t capacity) {
  agent::RuntimeDir runtime(directory, agent::Policy::warn);
  agent::SegmentStore store(runtime, options(capacity), wall_now());
  const auto adopted = store.adopted();
  const agent::Generation before = adopted ? adopted->generation : 0;
  for (agent::Generation g = before + 1; g <= before + count; ++g) store.publish(token_of(g), wall_now());
}

void publish_for_ever(const std::filesystem::path& directory, int to_parent) {
  agent::RuntimeDir runtime(directory, agent::Policy::warn);
  agent::SegmentStore store(runtime, options(default_capacity), wall_now());
  const auto adopted = store.adopted();
  agent::Generation generation = adopted ? adopted->generation : 0;
  tell_ready(to_parent);
  for (;;) store.publish(token_of(++generation), wall_now());
}

int read_until_told(const std::filesystem::path& directory, int to_parent, int threads) {
  struct sigaction action = {};
  action.sa_handler = [](int) { told_to_stop = true; };
  ::sigaction(SIGTERM, &action, nullptr);

  jeton::Options opened;
  opened.directory = directory.string();
  opened.allow_missing = true;
  const Token token("api", opened);
  if (!token.wait_valid(std::chrono::seconds(60)).ok()) return 1;
  std::vector<ReaderReport> reports(static_cast<std::size_t>(threads));
  // Of the threads, those that have seen one generation, and two.
  std::atomic<int> with_one{0};
  std::atomic<int> with_two{0};
  const auto read = [&](ReaderReport& report) {
    Reader reader(token);
    std::uint64_t announced = 0;
    // After the signal to stop each thread reads once more, so that it has seen the newest token.
    for (bool last_look = false; !last_look;) {
      last_look = told_to_stop;
      read_once(token, reader, report);
      if (announced == 0 && report.generations > 0 && ++with_one == threads) tell_ready(to_parent);
      if (announced < 2 && report.generations > 1 && ++with_two == threads) tell_ready(to_parent);
      announced = std::max(announced, std::min<std::uint64_t>(report.generations, 2));
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < reports.size(); ++i) others.emplace_back([&, i] { read(reports[i]); });
  read(reports[0]);
  for (std::thread& thread : others) thread.join();
  ReaderReport all = reports[0];
  for (std::size_t i = 1; i < reports.size(); ++i) add(all, reports[i]);
  tell(to_parent, &all, sizeof(all));
  return 0;
}

}  // namespace jeton::test
