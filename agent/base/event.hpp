// Event, Turns and Places: how coroutines wait for each other. One thread: the loop's.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "agent/base/timers.hpp"

namespace jeton::agent {

// Event: notify() wakes every coroutine that waits at that moment. Later waiters do not see it, so check the condition,
// then wait, with no co_await between the two (there is one thread: nothing can slip in). None of them goes on before
// the code that notifies has ended: they do in a later turn of the loop, or at the end of the burst (timers.hpp). It
// lives at least as long as its waiters' coroutines, or ends them with operation_aborted when it dies.
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
  std::list<std::unique_ptr<Waiter>> waiters_;
};

// Turns: a queue for each key, for steps that must not overlap across a co_await. One coroutine at a time has the turn
// of a key, in the order of arrival.
//
// A turn lasts until its Turn is destroyed, which wakes the next one; a coroutine that is cancelled while it waits
// leaves its place. Turn may outlive Turns; both need the timers.
class Turns {
 public:
  explicit Turns(Timers& timers) : timers_(timers), lines_(std::make_shared<Lines>()) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  class Turn;
  // nullptr: the turn did not come before the deadline. Throws system_error(operation_aborted) on cancellation.
  [[nodiscard]] Task<std::shared_ptr<Turn>> wait(std::string key, BootTime deadline);

 private:
  using Lines = std::map<std::string, std::list<Turn*>>;  // the first of each line has its turn

  static Task<std::shared_ptr<Turn>> wait_in(std::shared_ptr<Lines> lines, Timers& timers, std::string key,
                                             BootTime deadline);

  Timers& timers_;
  std::shared_ptr<Lines> lines_;
};

class Turns::Turn {
 public:
  Turn(std::shared_ptr<Lines> lines, Timers& timers, std::string key);
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();

 private:
  friend class Turns;
  [[nodiscard]] bool has_come() const { return lines_->at(key_).front() == this; }

  std::shared_ptr<Lines> lines_;
  std::string key_;
  Event wake_;
};

// Places: a limited number of coroutines at a time; the others wait in the order of arrival.
//
// A place lasts until its Place is destroyed, which gives it to the next one; a coroutine that is cancelled while it
// waits leaves the line. Place may outlive Places; both need the timers.
class Places {
 public:
  Places(Timers& timers, std::size_t count) : timers_(timers), room_(std::make_shared<Room>(Room{count, {}})) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  class Place;
  // nullptr: no place was free before the deadline. Throws system_error(operation_aborted) on cancellation.
  [[nodiscard]] Task<std::shared_ptr<Place>> wait(BootTime deadline);

 private:
  struct Room {
    std::size_t free = 0;
    std::list<Place*> line;  // empty while a place is free
  };

  static Task<std::shared_ptr<Place>> wait_in(std::shared_ptr<Room> room, Timers& timers, BootTime deadline);

  Timers& timers_;
  std::shared_ptr<Room> room_;
};

class Places::Place {
 public:
  Place(std::shared_ptr<Room> room, Timers& timers);
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place();

 private:
  friend class Places;

  std::shared_ptr<Room> room_;
  bool is_taken_ = false;
  std::list<Place*>::iterator waits_at_;  // unless it is taken
  Event wake_;
};

}  // namespace jeton::agent
