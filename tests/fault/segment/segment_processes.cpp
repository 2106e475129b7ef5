#include "tests/fault/segment/segment_processes.hpp"

#include <signal.h>

#include <chrono>
#include <jeton/client.hpp>
#include <string>

#include "agent/segment/segment_store.hpp"
#include "tests/fault/segment/child.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {
namespace {

volatile sig_atomic_t told_to_stop = 0;

agent::SegmentOptions options(std::size_t capacity) { return {"api", capacity, {}, agent::Policy::warn}; }

void judge(ReaderReport& report, std::string_view value, agent::Generation claimed) {
  ++report.good;
  const agent::Generation generation = checked_generation(value);
  if (generation == 0 || generation != claimed) ++report.torn;
  if (claimed < report.newest) ++report.older;
  if (claimed != report.newest) ++report.generations;
  report.newest = claimed;
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

int read_until_told(const std::filesystem::path& directory, int to_parent) {
  struct sigaction action = {};
  action.sa_handler = [](int) { told_to_stop = 1; };
  ::sigaction(SIGTERM, &action, nullptr);

  jeton::Options opened;
  opened.directory = directory.string();
  opened.allow_missing = true;
  const Token token("api", opened);
  if (!token.wait_valid(std::chrono::seconds(60)).ok()) return 1;
  Reader reader(token);
  ReaderReport report;
  bool announced = false;
  while (told_to_stop == 0) {
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
    if (report.good > 0 && !announced) tell_ready(to_parent);
    announced = announced || report.good > 0;
  }
  tell(to_parent, &report, sizeof(report));
  return 0;
}

}  // namespace jeton::test
