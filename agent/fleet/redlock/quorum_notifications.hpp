// QuorumNotifications: merges the messages of N servers about a token or a lock into one stream for its listener.
//
// Every message comes up to N times. A claim or release is passed on when a majority has sent it: then the lock was
// taken or released. The claim and release of an agent that got only a minority would wake all others to try again at
// the same moment. A record is passed on when it first arrives (redlock_register.hpp says why that is safe), and once
// more when a repair has written it again, so that the others need not do the same. Gaps of several servers at the same
// time become one. Pauses are passed on as they come: a listener recognises an echo. One thread: the loop's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent {

class QuorumNotifications {
 public:
  QuorumNotifications(Timers& timers, std::size_t majority) : timers_(timers), majority_(majority) {}
  QuorumNotifications(const QuorumNotifications&) = delete;
  QuorumNotifications& operator=(const QuorumNotifications&) = delete;
  ~QuorumNotifications();

  // Called for each message about an owner; `server` is the index of its sender. True: with it they are a majority.
  bool reached_majority(std::size_t server, Subject::Kind kind, std::string_view what, const std::string& owner);
  // This owner of an updater lock is our own: messages about it are not passed on.
  void own(const std::string& owner);
  // The record of a token may be lost. False: there is no listener.
  bool notify_data_loss(const std::string& name);
  // nullptr ends it.
  void subscribe(const Servers& servers, const Subject& subject, FleetListener* listener);
  // Ends all subscriptions of this kind.
  void unsubscribe_all(const Servers& servers, Subject::Kind kind);

 private:
  class Deduplicator;
  struct Heard {
    std::string message;              // "claim OWNER"
    std::set<std::size_t> servers{};  // that said so; a message can come twice from one server
    bool passed_on = false;
  };
  Heard& heard(Subject::Kind kind, std::string message);

  Timers& timers_;
  std::size_t majority_;
  std::map<Subject::Kind, std::deque<Heard>> heard_;  // the latest; many locks do not displace those of tokens
  std::map<std::pair<Subject::Kind, std::string>, std::shared_ptr<Deduplicator>> listeners_;
};

}  // namespace jeton::agent
