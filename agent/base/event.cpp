#include "agent/base/event.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace jeton::agent {

// One suspended coroutine. finish() runs at most once, by the first of these: notify, the timer, cancellation, or the
// end of the event.
struct Event::Waiter {
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;
  // The handler is posted: it does not run here.
  virtual void complete(boost::system::error_code error, bool notified) = 0;

  void finish(boost::system::error_code error, bool notified) {
    if (queue == nullptr) return;
    timers->cancel(timer);
    const std::shared_ptr<Waiter> keep = *position;
    std::exchange(queue, nullptr)->erase(position);
    complete(error, notified);
  }

  Timers* timers = nullptr;
  Timers::Id timer = 0;
  std::list<std::shared_ptr<Waiter>>* queue = nullptr;
  std::list<std::shared_ptr<Waiter>>::iterator position;
};

namespace {

template <typename Waiter, typename Handler>
struct WaiterOf final : Waiter {
  explicit WaiterOf(Handler h) : handler(std::move(h)) {}

  void complete(boost::system::error_code error, bool notified) override {
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
    const auto work = boost::asio::get_associated_executor(handler, this->timers->executor());
    boost::asio::post(work,
                      [taken = std::move(handler), error, notified]() mutable { std::move(taken)(error, notified); });
  }

  Handler handler;
};

}  // namespace

Event::Event(Timers& timers) : timers_(timers) {}

Event::~Event() {
  while (!waiters_.empty()) waiters_.front()->finish(boost::asio::error::operation_aborted, false);
}

void Event::notify() {
  // Those that begin to wait while we notify belong to the next notification.
  for (auto n = waiters_.size(); n > 0; --n) waiters_.front()->finish({}, true);
}

Task<bool> Event::wait_until(BootTime deadline) {
  const auto initiate = [this, deadline](auto handler) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    const auto waiter = std::make_shared<WaiterOf<Waiter, decltype(handler)>>(std::move(handler));
    waiter->timers = &timers_;
    waiter->queue = &waiters_;
    waiter->position = waiters_.insert(waiters_.end(), waiter);
    const auto finish = [weak = std::weak_ptr<Waiter>(waiter)](boost::system::error_code error) {
      if (const auto w = weak.lock()) w->finish(error, false);
    };
    if (deadline != BootTime::max()) waiter->timer = timers_.schedule(deadline, [finish] { finish({}); });
    if (slot.is_connected()) {
      slot.assign([finish](boost::asio::cancellation_type) { finish(boost::asio::error::operation_aborted); });
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
  boost::asio::co_spawn(executor, std::move(task), boost::asio::detached);
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
