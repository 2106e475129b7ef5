#include "agent/fleet/redis/server_clock.hpp"

#include <boost/system/system_error.hpp>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/fleet/redis/clock_offset.hpp"

namespace jeton::agent {
namespace {

constexpr int samples_per_measurement = 3;
constexpr Duration measure_retry = std::chrono::seconds(1);

}  // namespace

class ServerClock::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, RedisOperations operations, Duration interval, Duration timeout, std::function<void()> changed)
      : timers_(timers),
        operations_(std::move(operations)),
        interval_(interval),
        timeout_(timeout),
        changed_(std::move(changed)),
        wake_(timers) {}

  void start() { start_task(timers_.executor(), run(shared_from_this())); }

  void stop() {
    stopped_ = true;
    changed_ = nullptr;
    wake_.notify();
  }

  void measure_at(BootTime when) {
    next_ = when;
    wake_.notify();
  }

  // The fastest of a few questions has the smallest error.
  static Task<> measure(std::shared_ptr<Impl> self, BootTime deadline) {
    const Clock& clock = self->timers_.clock();
    std::optional<ClockOffset::Sample> best;
    for (int i = 0; i < samples_per_measurement; ++i) {
      ClockOffset::Sample sample;
      sample.sent_at = clock.boot_now();
      sample.wall_before = clock.wall_now();
      const std::uint64_t steps = self->steps_;
      sample.coordinator_time = co_await self->operations_.time(deadline);
      sample.received_at = clock.boot_now();
      if (steps != self->steps_) continue;  // the clock was stepped in between
      if (!best || ClockOffset::round_trip(sample) < ClockOffset::round_trip(*best)) best = sample;
    }
    if (!best) throw TransportError("this host's clock is being stepped");
    const bool was_known = self->offset_.known();
    const bool moved = self->offset_.adopt(*best);
    self->next_ = clock.boot_now() + self->interval_;
    if (was_known && !moved) co_return;
    if (const auto changed = self->changed_) changed();
  }

  Timers& timers_;
  ClockOffset offset_;
  std::uint64_t steps_ = 0;

 private:
  static Task<> run(std::shared_ptr<Impl> self) {
    try {
      while (!self->stopped_) {
        const BootTime now = self->timers_.clock().boot_now();
        if (now < self->next_) {
          co_await self->wake_.wait_until(self->next_);
          continue;
        }
        self->next_ = now + measure_retry;  // unless it goes well
        co_await measure_quietly(self, now + self->timeout_);
      }
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
  }

  static Task<> measure_quietly(std::shared_ptr<Impl> self, BootTime deadline) {
    try {
      co_await measure(self, deadline);
    } catch (const TransportError&) {
      // The connection reports it; measured again when it is back.
    }
  }

  RedisOperations operations_;
  Duration interval_;
  Duration timeout_;
  std::function<void()> changed_;
  Event wake_;
  BootTime next_ = BootTime::max();  // nothing to do before the first connect
  bool stopped_ = false;
};

ServerClock::ServerClock(Timers& timers, RedisOperations operations, Duration interval, Duration timeout,
                         std::function<void()> changed)
    : impl_(std::make_shared<Impl>(timers, std::move(operations), interval, timeout, std::move(changed))) {}

ServerClock::~ServerClock() { impl_->stop(); }
void ServerClock::start() { impl_->start(); }
void ServerClock::stop() { impl_->stop(); }
void ServerClock::measure_now() { impl_->measure_at(impl_->timers_.clock().boot_now()); }

void ServerClock::forget() {
  ++impl_->steps_;
  impl_->offset_.forget();
  measure_now();
}

bool ServerClock::known() const { return impl_->offset_.known(); }
Milliseconds ServerClock::offset() const { return impl_->offset_.offset(); }

Task<Milliseconds> ServerClock::get(BootTime deadline) {
  const auto impl = impl_;
  if (!impl->offset_.known()) co_await Impl::measure(impl, deadline);
  co_return impl->offset_.offset();
}

}  // namespace jeton::agent
