#include "agent/fleet/redis/uncertain_acquires.hpp"

#include <boost/system/system_error.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"

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

class UncertainAcquires::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, RedisOperations operations, Duration timeout)
      : timers_(timers), operations_(std::move(operations)), timeout_(timeout), stop_(timers), done_(timers) {}

  struct Job {
    RedisKeys keys;
    std::string owner;
    Unanswered why;
    BootTime give_up_at;
  };

  void begin(Job job) {
    if (stopped_) return;
    ++running_;
    start_task(timers_.executor(), run(shared_from_this(), std::move(job)));
  }

  void stop() {
    stopped_ = true;
    stop_.notify();
    done_.notify();
  }

  Timers& timers_;
  RedisOperations operations_;
  Duration timeout_;
  Event stop_;
  Event done_;
  int running_ = 0;
  bool stopped_ = false;

 private:
  static Task<> run(std::shared_ptr<Impl> self, Job job) {
    try {
      co_await self->clean_up(job);
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
    --self->running_;
    self->done_.notify();
  }

  Task<> clean_up(const Job& job) {
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

  Task<> wait(Duration duration) {
    if (duration > Duration{0} && !stopped_) co_await stop_.wait_until(now() + duration);
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
};

UncertainAcquires::UncertainAcquires(Timers& timers, RedisOperations operations, Duration timeout)
    : impl_(std::make_shared<Impl>(timers, std::move(operations), timeout)) {}

UncertainAcquires::~UncertainAcquires() { impl_->stop(); }

void UncertainAcquires::cancel(const RedisKeys& keys, const std::string& owner, Duration ttl, Unanswered why) {
  const BootTime give_up_at = impl_->timers_.clock().boot_now() + ttl + patience;
  impl_->begin(Impl::Job{keys, owner, why, give_up_at});
}

bool UncertainAcquires::idle() const { return impl_->running_ == 0; }

Task<> UncertainAcquires::wait_idle(BootTime deadline) {
  const auto impl = impl_;
  bool in_time = true;
  while (impl->running_ > 0 && !impl->stopped_ && in_time) in_time = co_await impl->done_.wait_until(deadline);
}

void UncertainAcquires::stop() { impl_->stop(); }

}  // namespace jeton::agent
