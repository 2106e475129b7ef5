// RedisKeys: the names of the keys and of the channel of a token, or of a lock of applications (agent/README.md, "The
// protocol in Redis").
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/base/time.hpp"
#include "agent/fleet/coordinator.hpp"

namespace jeton::agent {

// What a step is about. A token and a lock of the same name have nothing in common.
struct Subject {
  enum class Kind { token, lock };
  Kind kind = Kind::token;
  std::string name{};
  TokenTerms terms{};  // of a lock: without a mirror
};

// The keys of one token or lock. The braces keep them in one slot of a Cluster.
struct RedisKeys {
  // `database`: keys of two databases are apart by themselves; messages are not, so the channel names it unless it is
  // 0.
  RedisKeys(const std::string& prefix, const std::string& of, int database = 0, const TokenTerms& terms = {});
  // Those of a lock that applications take (lock_store.hpp).
  [[nodiscard]] static RedisKeys of_lock(const std::string& prefix, const std::string& name, int database = 0,
                                         const TokenLockConfig& terms = {});
  // A key that is never written: the server that would hold it keeps the fleet's time.
  [[nodiscard]] static std::string clock(const std::string& prefix) { return prefix + ":{clock}"; }

  std::string name;
  std::string lock;  // the updater lock of a token, or the application's
  std::string token;
  std::string fence;
  std::string pause;
  std::string budget;
  std::string channel;
  std::string info;                      // of an application's lock: its holder and purpose; empty: an updater lock
  std::string mirror;                    // where the bare value is written too; empty: nowhere
  std::string_view protocol = "set_nx";  // of the lock, as the scripts know it
};

// The fence must survive many quiet periods of a token; if it is lost nevertheless, the time takes its place.
inline constexpr Milliseconds fence_ttl = std::chrono::hours(24 * 30);

}  // namespace jeton::agent
