// LockBroker: the fleet-wide locks of this host's applications (agent/README.md, The way of a lock): which user may
// take which locks, how many, and the fate of the locks when the agent stops. Knows no sockets; a request names its
// client.
//
// Errors: TransportError if the store cannot be asked, LockRefusal if the request is one too many. One thread: the
// loop's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/base/random.hpp"
#include "agent/locks/lock_policy.hpp"
#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

class LockBroker {
 public:
  // Timers and random outlive it. Connects nothing before there is a rule.
  LockBroker(Timers& timers, Random& random, std::unique_ptr<LockStore> store, LockLimits limits = {});
  ~LockBroker();
  LockBroker(const LockBroker&) = delete;
  LockBroker& operator=(const LockBroker&) = delete;

  // The rules from now on; held locks stay held, and a wait for a lock whose key has changed ends. Throws Error if the
  // store cannot begin.
  void configure(LockRules rules);
  [[nodiscard]] const LockRuleConfig* rule(const std::string& name) const { return rule_for(rules_, name); }
  // The locks that can be named: the locks that sessions of this host hold or wait for, and patterns without a '*'.
  [[nodiscard]] std::set<std::string> known_names() const;
  [[nodiscard]] const LockLimits& limits() const { return limits_; }

  // Begins to take the locks, or goes on with those that the client had at an agent before; the session runs by itself.
  // Throws LockRefusal; TransportError while the agent stops, or if a client wants to go on with a lock that it
  // released and that was passed on.
  [[nodiscard]] std::shared_ptr<LockSession> open(LockRequest request);

  // Of these the name counts: a lock that a client of this host took is meant under the key under which it was taken.
  //
  // By owner id, on any host of the fleet. None: this owner does not hold it.
  Task<std::optional<Lease>> extend(LockId id, std::string owner, Duration ttl);
  Task<bool> release(LockId id, std::string owner);
  // Takes it from its holder. `by`: the administrator, for the log and for the holder.
  Task<bool> force_release(LockId id, LockHolder by);
  Task<LockView> show(LockId id);

  // Asks every holder whose lock does not outlive the agent to end, and gives it a moment to do so. Locks whose
  // holders end are released; the others expire by their TTL, because their holders may still work.
  Task<> stop();

  struct Counts {
    std::size_t held = 0;
    std::size_t waiting = 0;
  };
  [[nodiscard]] Counts sessions() const;
  [[nodiscard]] const LockTally& tally() const { return tally_; }
  [[nodiscard]] BackendHealth health() const { return store_->health(); }

 private:
  void check_limits(const LockRequest& request);
  void check_keys(const LockRequest& request) const;
  void end_former_waits();
  void ended(LockSession* session);
  [[nodiscard]] LockId as_held(LockId id, const std::string& owner = {}) const;
  [[nodiscard]] LockSession* holder(const std::string& name, const std::string& owner) const;
  // To which a lock was passed on from this owner. Null: to none.
  [[nodiscard]] LockSession* successor(const std::string& owner) const;

  Timers& timers_;
  LockLimits limits_;
  LockRules rules_;
  std::unique_ptr<LockStore> store_;
  LockQueue queue_;
  LockTally tally_;
  std::map<LockSession*, std::shared_ptr<LockSession>> sessions_;
  LockQuota quota_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool started_ = false;
  bool rules_changed_ = false;  // since the oldest session began
  bool stopping_ = false;
  Event session_ended_;
};

}  // namespace jeton::agent
