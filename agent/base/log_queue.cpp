#include "agent/base/log_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "agent/base/thread.hpp"

namespace jeton::agent::log {
namespace {

std::size_t size_of(const Line& line) {
  std::size_t size = sizeof(Line);
  for (const std::string& part : line) size += sizeof(std::string) + part.size();
  return size;
}

}  // namespace

struct LogQueue::State {
  explicit State(Options given) : options(std::move(given)) {}

  struct Entry {
    Line line;
    std::uint64_t says_dropped = 0;  // so many, of which this is the line that says so
  };

  void push(Line line) {
    const std::lock_guard guard(mutex);
    not_said += std::exchange(refused, 0);
    const std::size_t size = size_of(line);
    if (size + waiting_bytes > options.capacity) {
      ++dropped;
      ++not_said;
      return;
    }
    say_dropped();
    waiting_bytes += size;
    lines.push_back({std::move(line), 0});
    news.notify_all();
  }

  // With the lock. Not counted against the capacity: there is one such line for each that was taken.
  void say_dropped() {
    if (not_said == 0) return;
    const std::uint64_t count = std::exchange(not_said, 0);
    lines.push_back({options.lines_dropped(count), count});
    waiting_bytes += size_of(lines.back().line);
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      news.wait(lock, [&] { return !lines.empty() || not_said > 0 || stopped; });
      if (stopped) return;
      if (lines.empty()) say_dropped();
      const Entry entry = std::move(lines.front());
      lines.pop_front();
      waiting_bytes -= size_of(entry.line);
      writing = true;
      lock.unlock();
      const bool taken = options.write(entry.line);
      lock.lock();
      writing = false;
      if (!taken) count_refused(entry);
      if (all_written()) written.notify_all();
    }
  }

  // Reported before the next line: now that report would be refused as well.
  void count_refused(const Entry& entry) {
    if (entry.says_dropped == 0) ++dropped;
    refused += std::max<std::uint64_t>(entry.says_dropped, 1);
  }

  [[nodiscard]] bool all_written() const { return lines.empty() && not_said == 0 && !writing; }

  const Options options;
  mutable std::mutex mutex;  // never held while a line is written
  std::condition_variable news;
  std::condition_variable written;
  std::deque<Entry> lines;
  std::size_t waiting_bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t not_said = 0;  // of these, since a line said how many
  std::uint64_t refused = 0;   // of these, to be said with the next line
  bool writing = false;
  bool stopped = false;
};

LogQueue::LogQueue(Options options) : state_(std::make_shared<State>(std::move(options))) {
  start_without_signals("jeton-log", [state = state_] { state->run(); }).detach();
}

LogQueue::~LogQueue() {
  const std::lock_guard guard(state_->mutex);
  state_->stopped = true;
  state_->news.notify_all();
}

void LogQueue::push(Line line) { state_->push(std::move(line)); }

bool LogQueue::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  return state_->written.wait_for(lock, patience, [&] { return state_->all_written(); });
}

std::uint64_t LogQueue::dropped() const {
  const std::lock_guard guard(state_->mutex);
  return state_->dropped;
}

}  // namespace jeton::agent::log
