#include "agent/base/boot_timers.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <limits>
#include <system_error>

namespace jeton::agent {
namespace {

int make_timerfd(int clock) {
  const int fd = ::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

// Held by shared_ptr: a wait that is already queued in the loop may outlive BootTimers by one turn.
class BootTimers::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& loop, const Clock& clock)
      : clock_(clock), alarm_(loop, make_timerfd(CLOCK_BOOTTIME)), step_(loop, make_timerfd(CLOCK_REALTIME)) {}

  void start() {
    arm_step();
    wait_alarm();
    wait_step();
  }

  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    alarm_.close(ignored);
    step_.close(ignored);
  }

  // The kernel fires on the first moment at or after the earliest deadline, or earlier: a deadline that was cancelled
  // stays armed, because a wake-up too many costs less than a system call for each deadline that is never reached. A
  // zero it_value would disarm, so a deadline that is already past is armed one nanosecond after boot.
  void arm_alarm() {
    const auto earliest = queue_.earliest();
    if (stopped_ || !earliest || *earliest >= armed_) return;
    armed_ = *earliest;
    const auto since_boot = std::max(armed_.time_since_epoch(), Duration{1});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    itimerspec spec{};
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (since_boot - seconds).count();
    ::timerfd_settime(alarm_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  const Clock& clock_;
  TimerQueue queue_;
  Callback step_callback_;
  boost::asio::posix::stream_descriptor alarm_;

 private:
  void wait_alarm() {
    alarm_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (error || self->stopped_) return;
                        drain(self->alarm_.native_handle());
                        self->fire_due();
                        self->armed_ = BootTime::max();
                        self->arm_alarm();
                        self->wait_alarm();
                      });
  }

  void fire_due() {
    // Time is read once: a callback that schedules "now" again is served on the next turn, not in an endless loop here.
    const BootTime now = clock_.boot_now();
    while (!stopped_) {
      const Callback callback = queue_.take_due(now);
      if (!callback) return;
      callback();
    }
  }

  // A timer in the far future that the kernel cancels (ECANCELED on read) when the wall clock is set.
  void arm_step() {
    itimerspec spec{};
    spec.it_value.tv_sec = std::numeric_limits<std::int32_t>::max() * std::int64_t{64};
    ::timerfd_settime(step_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr);
  }

  void wait_step() {
    step_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (error || self->stopped_) return;
                       drain(self->step_.native_handle());
                       self->arm_step();
                       if (self->step_callback_) self->step_callback_();
                       if (!self->stopped_) self->wait_step();
                     });
  }

  static void drain(int fd) {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const auto n = ::read(fd, &expirations, sizeof expirations);
  }

  boost::asio::posix::stream_descriptor step_;
  BootTime armed_ = BootTime::max();  // the deadline that the kernel has; max: none
  bool stopped_ = false;
};

BootTimers::BootTimers(boost::asio::io_context& loop, const Clock& clock) : impl_(std::make_shared<Impl>(loop, clock)) {
  impl_->start();
}

BootTimers::~BootTimers() { impl_->stop(); }

const Clock& BootTimers::clock() const { return impl_->clock_; }

Executor BootTimers::executor() { return impl_->alarm_.get_executor(); }

Timers::Id BootTimers::schedule(BootTime when, Callback callback) {
  const Id id = impl_->queue_.add(when, std::move(callback));
  impl_->arm_alarm();
  return id;
}

bool BootTimers::cancel(Id id) { return impl_->queue_.remove(id); }

std::size_t BootTimers::pending() const { return impl_->queue_.size(); }

void BootTimers::on_clock_step(Callback callback) { impl_->step_callback_ = std::move(callback); }

void BootTimers::stop() { impl_->stop(); }

}  // namespace jeton::agent
