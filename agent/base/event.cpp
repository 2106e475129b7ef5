#include "agent/base/event.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <utility>

namespace jeton::agent {

// One suspended coroutine. finish() runs at most once, by the first of these: notify, the timer, cancellation, or the
// end of the event.
struct Event::Waiter {
  std::function<void(boost::system::error_code, bool)> complete;
  Timers* timers = nullptr;
  Timers::Id timer = 0;
  std::list<std::shared_ptr<Waiter>>* queue = nullptr;
  std::list<std::shared_ptr<Waiter>>::iterator position;

  void finish(boost::system::error_code error, bool notified) {
    if (queue == nullptr) return;
    timers->cancel(timer);
    const std::shared_ptr<Waiter> keep = *position;
    std::exchange(queue, nullptr)->erase(position);
    std::exchange(complete, nullptr)(error, notified);
  }
};

Event::Event(Timers& timers) : timers_(timers) {}

Event::~Event() {
  while (!waiters_.empty()) waiters_.front()->finish(boost::asio::error::operation_aborted, false);
}

void Event::notify() {
  // Those that begin to wait while we notify belong to the next notification. The handlers are posted, so none runs
  // here.
  for (auto n = waiters_.size(); n > 0; --n) waiters_.front()->finish({}, true);
}

Task<bool> Event::wait_until(BootTime deadline) {
  const auto initiate = [this, deadline](auto handler) {
    auto waiter = std::make_shared<Waiter>();
    waiter->timers = &timers_;
    waiter->queue = &waiters_;
    waiter->position = waiters_.insert(waiters_.end(), waiter);
    auto slot = boost::asio::get_associated_cancellation_slot(handler);

    // std::function wants something copyable; an Asio handler can only be moved.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    waiter->complete = [shared, slot, executor = timers_.executor()](boost::system::error_code error,
                                                                     bool notified) mutable {
      if (slot.is_connected()) slot.clear();
      auto work = boost::asio::get_associated_executor(*shared, executor);
      boost::asio::post(work, [shared, error, notified] { std::move (*shared)(error, notified); });
    };
    waiter->timer = deadline == BootTime::max() ? 0 : timers_.schedule(deadline, [weak = std::weak_ptr(waiter)] {
      if (const auto w = weak.lock()) w->finish({}, false);
    });
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(waiter)](boost::asio::cancellation_type) {
        if (const auto w = weak.lock()) w->finish(boost::asio::error::operation_aborted, false);
      });
    }
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&,
                                                 void(boost::system::error_code, bool)>(initiate,
                                                                                        boost::asio::use_awaitable);
}

Task<> Event::wait() { co_await wait_until(BootTime::max()); }

Task<> sleep_until(Timers& timers, BootTime when) {
  Event never(timers);
  co_await never.wait_until(when);
}

Task<> sleep_for(Timers& timers, Duration duration) {
  co_await sleep_until(timers, timers.clock().boot_now() + duration);
}

}  // namespace jeton::agent
