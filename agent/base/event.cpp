#include "agent/base/event.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace jeton::agent {

// One suspended coroutine. finish() runs once, by the first of these: notify, the timer, cancellation, or the end of
// the event. It ends the others, so they may have a plain pointer to it.
struct Event::Waiter {
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;
  // From now on nothing else ends the wait.
  virtual void disconnect() = 0;
  // Once. `at_once`: here, if this is the loop; else the handler is posted.
  virtual void resume(bool at_once, boost::system::error_code error, bool notified) = 0;

  // The coroutine does not go on here.
  void finish(boost::system::error_code error, bool notified) {
    timers->cancel(timer);
    std::unique_ptr<Waiter> self = std::move(*position);
    queue->erase(position);
    disconnect();
    if (timers->in_burst()) {
      resume_in_burst(std::move(self), error, notified);
    } else {
      resume(false, error, notified);
    }
  }

  // Lack of memory ends the process: a coroutine that is dropped here would never go on.
  static void resume_in_burst(std::unique_ptr<Waiter> self, boost::system::error_code error, bool notified) noexcept {
    const std::shared_ptr<Waiter> kept = std::move(self);
    kept->timers->resume_in_burst([kept, error, notified] { kept->resume(true, error, notified); });
  }

  Timers* timers = nullptr;
  Timers::Id timer = 0;
  std::list<std::unique_ptr<Waiter>>* queue = nullptr;
  std::list<std::unique_ptr<Waiter>>::iterator position;
};

namespace {

template <typename Waiter, typename Handler>
struct WaiterOf final : Waiter {
  explicit WaiterOf(Handler h) : handler(std::move(h)) {}

  void disconnect() override {
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
  }

  // An exception of the coroutine leaves it through the loop.
  void resume(bool at_once, boost::system::error_code error, bool notified) override {
    const auto work = boost::asio::get_associated_executor(handler, this->timers->executor());
    auto go_on = [taken = std::move(handler), error, notified]() mutable { std::move(taken)(error, notified); };
    if (at_once) {
      boost::asio::dispatch(work, std::move(go_on));
    } else {
      boost::asio::post(work, std::move(go_on));
    }
  }

  Handler handler;
};

// Two coroutines that wake each other again and again must not hold the loop.
constexpr int most_in_a_burst = 1000;

}  // namespace

void Timers::burst(const std::function<void()>& step) {
  if (in_burst_) {
    step();
    return;
  }
  // Lack of memory ends the process here, as in start_task(): an exception would leave the burst open, and no coroutine
  // would go on again.
  const auto resume_all = [this]() noexcept {
    for (int n = 0; n < most_in_a_burst && !resumed_.empty(); ++n) {
      const Callback resume = std::move(resumed_.front());
      resumed_.pop_front();
      resume();
    }
    in_burst_ = false;
    for (Callback& later : std::exchange(resumed_, {})) boost::asio::post(executor(), std::move(later));
  };
  in_burst_ = true;
  std::exception_ptr failure;
  try {
    step();
  } catch (...) {
    failure = std::current_exception();
  }
  resume_all();
  if (failure) std::rethrow_exception(failure);
}

Event::Event(Timers& timers) : timers_(timers) {}

Event::~Event() {
  while (!waiters_.empty()) waiters_.front()->finish(boost::asio::error::operation_aborted, false);
}

void Event::notify() {
  // Coroutines that begin to wait while we notify belong to the next notification.
  for (auto n = waiters_.size(); n > 0; --n) waiters_.front()->finish({}, true);
}

Task<bool> Event::wait_until(BootTime deadline) {
  const auto initiate = [this, deadline](auto handler) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    Waiter* const waiter =
        waiters_.emplace_back(std::make_unique<WaiterOf<Waiter, decltype(handler)>>(std::move(handler))).get();
    waiter->timers = &timers_;
    waiter->queue = &waiters_;
    waiter->position = std::prev(waiters_.end());
    if (deadline != BootTime::max())
      waiter->timer = timers_.schedule(deadline, [waiter] { waiter->finish({}, false); });
    if (slot.is_connected()) {
      slot.assign(
          [waiter](boost::asio::cancellation_type) { waiter->finish(boost::asio::error::operation_aborted, false); });
    }
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(boost::system::error_code, bool)>(
      initiate, boost::asio::use_awaitable);
}

Task<> Event::wait() { co_await wait_until(BootTime::max()); }

Task<> sleep_until(Timers& timers, BootTime when) {
  Event never(timers);
  co_await never.wait_until(when);
}

Task<> sleep_for(Timers& timers, Duration duration) {
  co_await sleep_until(timers, timers.clock().boot_now() + duration);
}

void start_task(const Executor& executor, Task<> task) {
  boost::asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {
      // dropped
    }
  });
}

Turns::Turn::Turn(std::shared_ptr<Lines> lines, Timers& timers, std::string key)
    : lines_(std::move(lines)), key_(std::move(key)), wake_(timers) {
  (*lines_)[key_].push_back(this);
}

Turns::Turn::~Turn() {
  const auto line = lines_->find(key_);
  const bool had_come = has_come();
  line->second.remove(this);
  if (line->second.empty()) {
    lines_->erase(line);
  } else if (had_come) {
    line->second.front()->wake_.notify();
  }
}

Task<std::shared_ptr<Turns::Turn>> Turns::wait(std::string key, BootTime deadline) {
  return wait_in(lines_, timers_, std::move(key), deadline);
}

Task<std::shared_ptr<Turns::Turn>> Turns::wait_in(std::shared_ptr<Lines> lines, Timers& timers, std::string key,
                                                  BootTime deadline) {
  const auto turn = std::make_shared<Turn>(std::move(lines), timers, std::move(key));
  bool in_time = true;
  while (!turn->has_come() && in_time) in_time = co_await turn->wake_.wait_until(deadline);
  if (!turn->has_come()) co_return nullptr;
  co_return turn;
}

Places::Place::Place(std::shared_ptr<Room> room, Timers& timers)
    : room_(std::move(room)), is_taken_(room_->free > 0), waits_at_(room_->line.end()), wake_(timers) {
  if (is_taken_) {
    --room_->free;
  } else {
    waits_at_ = room_->line.insert(room_->line.end(), this);
  }
}

Places::Place::~Place() {
  if (!is_taken_) {
    room_->line.erase(waits_at_);
  } else if (room_->line.empty()) {
    ++room_->free;
  } else {
    Place* const next = room_->line.front();
    room_->line.pop_front();
    next->is_taken_ = true;
    next->wake_.notify();
  }
}

Task<std::shared_ptr<Places::Place>> Places::wait(BootTime deadline) { return wait_in(room_, timers_, deadline); }

Task<std::shared_ptr<Places::Place>> Places::wait_in(std::shared_ptr<Room> room, Timers& timers, BootTime deadline) {
  const auto place = std::make_shared<Place>(std::move(room), timers);
  bool in_time = true;
  while (!place->is_taken_ && in_time) in_time = co_await place->wake_.wait_until(deadline);
  if (!place->is_taken_) co_return nullptr;
  co_return place;
}

}  // namespace jeton::agent
