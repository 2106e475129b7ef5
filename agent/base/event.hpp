// Event: coroutines wait for it, and notify() wakes them.
//
// notify() wakes every coroutine that waits at that moment. Later waiters do not see it, so check the
// condition, then wait, with no co_await between the two (there is one thread: nothing can slip in). Lives at least as
// long as its waiters' coroutines, or ends them with operation_aborted when it dies.
#pragma once

#include <list>
#include <memory>

#include "agent/base/timers.hpp"

namespace jeton::agent {

class Event {
 public:
  explicit Event(Timers& timers);
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void notify();

  // True: notified. False: the deadline passed. Throws system_error(operation_aborted) on cancellation.
  Task<bool> wait_until(BootTime deadline);
  Task<> wait();

 private:
  struct Waiter;
  Timers& timers_;
  std::list<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace jeton::agent
