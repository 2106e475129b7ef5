// LockBroker: the fleet-wide locks of this host's applications (DESIGN.md sections 7 and 8): who may have which, how
// many, and what becomes of them when the agent stops. Knows nothing of sockets; who a client is it is told.
//
// Errors: TransportError if the store cannot be asked, LockRefusal if the request is one too many. One thread: the
// loop's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/random.hpp"
#include "agent/locks/lock_policy.hpp"
#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

// So that no user can use up the agent's memory and descriptors. A session with several locks counts for each.
struct LockLimits {
  std::size_t locks_per_user = 2048;    // held or waited for
  std::size_t waiters_per_user = 1024;  // waited for
  std::size_t locks = 8192;             // of all users together
  std::size_t names_per_session = 16;
  std::size_t metadata_bytes = 512;
  Duration shortest_ttl = std::chrono::milliseconds(50);
  Duration longest_wait = std::chrono::hours(24);
};

class LockRefusal : public Error {
 public:
  using Error::Error;
};

class LockBroker {
 public:
  // Timers and random outlive it. Connects nothing before there is a rule.
  LockBroker(Timers& timers, Random& random, std::unique_ptr<LockStore> store, LockLimits limits = {});
  ~LockBroker();
  LockBroker(const LockBroker&) = delete;
  LockBroker& operator=(const LockBroker&) = delete;

  // The rules from now on; what is held stays held. Throws Error if the store cannot begin.
  void configure(LockRules rules);
  [[nodiscard]] const LockRuleConfig* rule(const std::string& name) const { return rule_for(rules_, name); }
  [[nodiscard]] const LockLimits& limits() const { return limits_; }

  // Begins to take the locks; the session runs by itself. Throws LockRefusal.
  [[nodiscard]] std::shared_ptr<LockSession> open(LockRequest request);

  // By owner id, whoever holds it where. None: not held by it.
  Task<std::optional<Lease>> extend(LockId id, std::string owner, Duration ttl);
  Task<bool> release(LockId id, std::string owner);
  // `who`: for the log.
  Task<bool> force_release(LockId id, std::string who);
  Task<LockView> show(LockId id);

  // Tells every holder to end and gives it a moment to do so. Locks whose holders end are given back, the others are
  // left to their time to live: they may still be at work.
  Task<> stop();

 private:
  void check_limits(const LockRequest& request);
  void count(const LockSession& session, bool begins);
  LockSession* holder(const LockId& id, const std::string& owner) const;

  Timers& timers_;
  LockLimits limits_;
  LockRules rules_;
  std::unique_ptr<LockStore> store_;
  LockLines lines_;
  std::map<LockSession*, std::shared_ptr<LockSession>> sessions_;
  std::map<uid_t, std::size_t> of_user_;  // locks, held or waited for
  std::size_t locks_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool started_ = false;
  bool stopping_ = false;
  Event session_ended_;
};

}  // namespace jeton::agent
