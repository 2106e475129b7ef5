#include "agent/fleet/redis/uncertain_acquires.hpp"

#include <boost/system/system_error.hpp>
#include <vector>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration cleanup_retry = 200ms;
constexpr Duration patience = 30s;  // beyond the lock's TTL: then it is gone by itself in all likelihood

// The pauses before the checks of the lock; the later checks find an acquisition that was slower than our first
// deletion.
std::vector<Duration> looks(UncertainAcquires::Unanswered why) {
  if (why == UncertainAcquires::Unanswered::not_awaited) return {0s};
  return {0s, 250ms, 1s};
}

}  // namespace

UncertainAcquires::UncertainAcquires(Timers& timers, LockOperations operations, Duration timeout)
    : timers_(timers), operations_(std::move(operations)), timeout_(timeout), stop_(timers), done_(timers) {}

void UncertainAcquires::cancel(const RedisKeys& keys, const std::string& owner, Duration ttl, Unanswered why) {
  if (stopped_) return;
  ++running_;
  start_task(timers_.executor(), run(shared_from_this(), Job{keys, owner, why, now() + ttl + patience}));
}

Task<> UncertainAcquires::wait_idle(BootTime deadline) {
  const auto self = shared_from_this();
  bool in_time = true;
  while (running_ > 0 && !stopped_ && in_time) in_time = co_await done_.wait_until(deadline);
}

void UncertainAcquires::stop() {
  stopped_ = true;
  stop_.notify();
  done_.notify();
}

Task<> UncertainAcquires::run(std::shared_ptr<UncertainAcquires> self, Job job) {
  try {
    co_await self->clean_up(job);
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  --self->running_;
  self->done_.notify();
}

Task<> UncertainAcquires::clean_up(const Job& job) {
  for (const Duration pause : looks(job.why)) {
    co_await wait(pause);
    bool answered = false;
    while (!answered) {
      if (stopped_ || now() >= job.give_up_at) co_return;
      bool deleted = false;
      try {
        deleted = co_await operations_.release(job.keys, job.owner, now() + timeout_);
        answered = true;
      } catch (const redis::ServerError&) {
        answered = true;  // it cannot be deleted (a permission, a key of another type): its TTL ends it
      } catch (const TransportError&) {
        // The server is not connected yet.
      }
      if (deleted) co_return;
      if (!answered) co_await wait(cleanup_retry);
    }
  }
}

Task<> UncertainAcquires::wait(Duration duration) {
  if (duration > Duration{0} && !stopped_) co_await stop_.wait_until(now() + duration);
}

}  // namespace jeton::agent
