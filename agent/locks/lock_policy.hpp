// The rights of a user of this host with locks: the rule of the configuration that a lock falls under, with the users
// that may take it and its key; and the number of locks that a user may have (LockQuota). One thread: the loop's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

using LockRules = std::map<std::string, LockRuleConfig>;  // by pattern

// The name itself, or of the patterns that match the one with the most characters besides '*'; a configuration has no
// two that are equal there. Null: no user may take it.
[[nodiscard]] const LockRuleConfig* rule_for(const LockRules& rules, const std::string& name);

// The lock that `rule` makes of the name.
[[nodiscard]] LockId lock_id(const LockRuleConfig& rule, const std::string& name);

// A session with several locks counts for each.
struct LockLimits {
  std::size_t locks_per_user = 2048;    // held or waited for
  std::size_t waiters_per_user = 1024;  // waited for
  std::size_t locks = 8192;             // of all users together; admins may have their own share beyond
  std::size_t names_per_session = 16;
  Duration shortest_ttl = std::chrono::milliseconds(50);
  Duration longest_wait = std::chrono::hours(24);
};

// In a process that may open so many descriptors. Each session is a connection of its client; three quarters are left
// for all else: other clients, the coordinator, the sources, files.
[[nodiscard]] LockLimits limits_within(std::size_t descriptors);

// The request exceeds a limit; the text names the limit and what to do.
class LockRefusal : public Error {
 public:
  using Error::Error;
};

// How many locks each user of this host holds or waits for, so that none can use up the agent's memory and descriptors,
// or the fleet's Redis. A session counts from its beginning to its end, a detached lock until it is released or ends by
// itself; one that was taken before the agent started is not counted.
class LockQuota {
 public:
  explicit LockQuota(LockLimits limits) : limits_(limits) {}

  // Whether the user may have `count` more. Throws LockRefusal.
  void check(uid_t user, bool is_admin, std::size_t count, BootTime now);
  [[nodiscard]] std::size_t of_user(uid_t user) const;

  void add(uid_t user, std::size_t count);
  void remove(uid_t user, std::size_t count);

  // A detached lock is the client's from now on.
  void leave(uid_t user, const LockId& id, const std::string& owner, BootTime until);
  struct Detached {
    uid_t user;
    LockId id;
    std::string owner;
    BootTime until;
  };
  // The last lock of that name that a client left here and that was not released here. Null: there is none.
  [[nodiscard]] const Detached* detached(const std::string& name) const;
  // `lease`: from now on; under getset with another owner id.
  void extend(const std::string& name, const std::string& owner, const Lease& lease);
  void release(const std::string& name, const std::string& owner);

 private:
  void forget_ended(BootTime now);

  LockLimits limits_;
  std::map<uid_t, std::size_t> of_user_;
  std::size_t all_ = 0;
  std::map<std::string, Detached> detached_;  // by name
};

}  // namespace jeton::agent
