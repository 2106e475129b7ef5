// LockHost: one host of a fleet in virtual time: the agent's LockBroker, asked as lock_routes.cpp and the
// connections of the local API ask it, without HTTP and processes.
//
// A session is a client that stays connected (jetonctl lock run, libjeton); a detached lock belongs to its
// owner id (jetonctl lock acquire). The loop and the servers outlive it. One thread: the loop's.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/locks/lock_broker.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {

using namespace std::chrono_literals;
using agent::Duration;
using agent::LockSession;
using State = LockSession::State;
using Session = std::shared_ptr<LockSession>;

struct Ask {
  std::string name = "job";
  Duration ttl = 60s;
  Duration wait = 0s;
  std::optional<Duration> retry{};
  std::vector<std::string> also{};
  std::string owner{};
  bool outlives_agent = false;
};

class LockHost {
 public:
  LockHost(VirtualLoop& loop, std::unique_ptr<agent::LockStore> store, agent::LockRules rules, std::string name)
      : loop_(loop), name_(std::move(name)), broker_(loop.timers, loop.random, std::move(store)) {
    broker_.configure(std::move(rules));
  }
  // Every session ends before the broker does.
  ~LockHost() {
    bool stopped = false;
    for (const Session& session : opened_) session->cancel();
    boost::asio::co_spawn(loop_.context, broker_.stop(), [&](std::exception_ptr) { stopped = true; });
    EXPECT_TRUE(loop_.turn_until([&] { return stopped; }));
    loop_.pass(5s);  // calls that are on their way end at their deadlines
  }
  LockHost(const LockHost&) = delete;
  LockHost& operator=(const LockHost&) = delete;

  [[nodiscard]] agent::LockBroker& broker() { return broker_; }
  [[nodiscard]] agent::LockId id(const std::string& name = "job") const {
    return agent::lock_id(*broker_.rule(name), name);
  }

  // Returns at once.
  Session open(const Ask& ask, bool detached = false) {
    agent::LockRequest request;
    request.name = ask.name;
    request.locks.push_back(id(ask.name));
    for (const std::string& other : ask.also) request.locks.push_back(id(other));
    request.acquire.owner = ask.owner;
    request.acquire.ttl = ask.ttl;
    request.wait = ask.wait;
    request.retry = ask.retry;
    request.acquire.note.by = agent::LockHolder{name_, 1, ++last_pid_};
    request.detached = detached;
    request.outlives_agent = ask.outlives_agent;
    return opened_.emplace_back(broker_.open(std::move(request)));
  }
  // The client of a session at an agent that is gone goes on here with the same locks.
  Session resume(const LockSession& former) {
    agent::LockRequest request = former.request();
    request.outlives_agent = true;
    for (const agent::HeldLock& lock : former.held()) request.resumed[lock.id.name] = lock.lease.owner;
    return decided(opened_.emplace_back(broker_.open(std::move(request))));
  }
  // Returns when it is decided.
  Session take(const Ask& ask = {}) { return decided(open(ask)); }
  Session decided(Session session) {
    const auto is_decided = [&] { return session->state() != State::trying && session->state() != State::waiting; };
    EXPECT_TRUE(loop_.turn_until(is_decided, 24h));
    return session;
  }
  // Gives it back, as the end of a connection does; returns how it ended.
  State end(const Session& session) {
    session->cancel();
    EXPECT_TRUE(loop_.turn_until([&] { return is_over(*session); }, 24h));
    return session->state();
  }
  [[nodiscard]] static bool is_over(const LockSession& session) {
    const State state = session.state();
    return state == State::busy || state == State::failed || state == State::lost || state == State::ended ||
           state == State::handed_over;
  }

  // None: busy. Throws TransportError.
  std::optional<agent::Lease> acquire(const Ask& ask = {}) {
    const Session session = decided(open(ask, true));
    if (session->state() == State::failed) throw agent::TransportError(session->reason());
    if (session->state() != State::held) return std::nullopt;
    const agent::Lease lease = session->held().front().lease;
    session->deliver();
    loop_.pass(0s);
    return lease;
  }
  std::optional<agent::Lease> extend(const std::string& owner, Duration ttl, const std::string& name = "job") {
    return loop_.run(broker_.extend(id(name), owner, ttl));
  }
  bool release(const std::string& owner, const std::string& name = "job") {
    return loop_.run(broker_.release(id(name), owner));
  }
  bool force_release(const std::string& name = "job") {
    return loop_.run(broker_.force_release(id(name), agent::LockHolder{name_, 0, 1}));
  }
  agent::LockView show(const std::string& name = "job") { return loop_.run(broker_.show(id(name))); }

 private:
  VirtualLoop& loop_;
  std::string name_;
  int last_pid_ = 0;
  std::vector<Session> opened_;
  agent::LockBroker broker_;
};

[[nodiscard]] inline const agent::Lease& lease_of(const Session& session) { return session->held().front().lease; }

}  // namespace jeton::test
