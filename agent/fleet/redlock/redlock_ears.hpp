// RedlockEars: what N servers say about a token, told to its one listener as if one had said it.
//
// Every message comes up to N times. A claim or release is told when a majority has sent it: that is a lock won or
// given back, while the claim and release of a contender that got a minority only concern nobody, and would wake all
// others to try again at the same moment. A record is told once, at the first hearing (redlock_register.hpp says why
// that is safe), and once more when it was given back after a loss, so that the others need not do the same. Gaps of
// several servers at the same time become one. Pauses are told as they come: a listener knows an echo. One thread: the
// loop's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent {

class RedlockEars {
 public:
  RedlockEars(Timers& timers, std::size_t majority) : timers_(timers), majority_(majority) {}
  RedlockEars(const RedlockEars&) = delete;
  RedlockEars& operator=(const RedlockEars&) = delete;
  ~RedlockEars();

  // Called for each server that says this of an owner. True if it is to be told now.
  bool is_news(std::string_view what, const std::string& owner);
  // Nothing about this owner is news: it is ourselves.
  void own(const std::string& owner);
  // False: nobody listens.
  bool tell_lost(const std::string& name);
  // nullptr ends it.
  void subscribe(const RedlockQuorum& quorum, const std::string& name, FleetListener* listener);

 private:
  class Ear;
  struct Heard {
    std::string message;      // "claim OWNER"
    std::size_t servers = 0;  // that said so
    bool told = false;
  };
  Heard& heard(std::string message);

  Timers& timers_;
  std::size_t majority_;
  std::deque<Heard> heard_;                           // the latest
  std::map<std::string, std::shared_ptr<Ear>> ears_;  // by token
};

}  // namespace jeton::agent
