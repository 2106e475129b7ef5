#include "agent/fleet/redis/uncertain_acquires.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <iterator>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration cleanup_retry = 200ms;
// Of a server that takes no writes for a while. A replica's refusal ends the connection, which all share.
constexpr Duration refused_retry = 5s;
constexpr Duration patience = 30s;  // beyond the lock's TTL: then it is gone by itself in all likelihood

// The pauses before the checks of the lock; the later checks find an acquisition that was slower than our first
// deletion.
std::vector<Duration> looks(UncertainAcquires::Unanswered why) {
  if (why != UncertainAcquires::Unanswered::connection_lost) return {0s};
  return {0s, 250ms, 1s};
}

// A failover above all: the former primary refuses, and the next one has the lock. Other refusals (a permission, a key
// of another type) need an operator.
bool may_pass(const redis::ServerError& refusal) {
  static constexpr std::string_view codes[] = {"READONLY",   "MASTERDOWN", "LOADING",     "BUSY",
                                               "NOREPLICAS", "MISCONF",    "CLUSTERDOWN", "TRYAGAIN"};
  return std::find(std::begin(codes), std::end(codes), refusal.code()) != std::end(codes);
}

}  // namespace

UncertainAcquires::UncertainAcquires(Timers& timers, LockOperations operations, Duration timeout)
    : timers_(timers),
      operations_(std::move(operations)),
      timeout_(timeout),
      stop_(timers),
      connected_(timers),
      done_(timers) {}

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
  connected_.notify();
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
      if (!operations_.is_connected()) {
        co_await connected_.wait_until(job.give_up_at);
        continue;
      }
      bool deleted = false;
      Duration retry = cleanup_retry;
      try {
        deleted = co_await operations_.release(job.keys, job.owner, now() + timeout_);
        answered = true;
      } catch (const redis::ServerError& e) {
        answered = job.why == Unanswered::refused || !may_pass(e);  // its TTL ends it
        retry = refused_retry;
      } catch (const TransportError&) {
        // The connection has ended, or will.
      }
      if (deleted) co_return;
      if (!answered) co_await wait(retry);
    }
  }
}

Task<> UncertainAcquires::wait(Duration duration) {
  if (duration > Duration{0} && !stopped_) co_await stop_.wait_until(now() + duration);
}

}  // namespace jeton::agent
