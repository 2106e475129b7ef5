// Backend: starts and stops the connection through which the fleet coordinates, and reports its health; for an operator
// it examines what it is connected to. The requests are in the other roles (coordinator.hpp).
#pragma once

#include <set>
#include <string>

#include "agent/base/finding.hpp"
#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

struct BackendHealth {
  std::string backend;   // "local", "redis", "redlock"
  std::string endpoint;  // "redis://127.0.0.1:6379/0", a directory; no password
  bool reachable = false;
  std::string last_error;       // empty if none since the last success
  Milliseconds clock_offset{};  // its wall clock minus this host's
};

// How other clients of the same Redis meet jeton. A backend without other clients ignores it.
struct TokenTerms {
  TokenLockConfig lock;    // the key and protocol of the updater lock
  std::string mirror_key;  // where the bare value is written too; empty: nowhere
  bool operator==(const TokenTerms&) const = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Sets the terms of a token, as its configuration has them. Called before the first call about the token, and again
  // when the terms change.
  virtual void configure(const std::string& name, const TokenTerms& terms) = 0;
  // `names`: the tokens of this host. Removes the files that this host keeps about other tokens.
  virtual void prune_except(const std::set<std::string>& names) = 0;

  [[nodiscard]] virtual BackendHealth health() const = 0;
  // Asks each server about itself: version, rights, eviction, persistence, clock, replicas. Changes nothing. A server
  // without an answer is a finding. It may go on after stop(), and touches nothing of its callers.
  virtual Task<Findings> examine() = 0;
  // Called when the wall clock of this host was stepped: measures the offset again.
  virtual void clock_stepped() = 0;
  // Connects. The last stop() of those that share the connections ends them. A call after stop() throws TransportError;
  // a call under way ends at its deadline at the latest.
  virtual void start() = 0;
  virtual void stop() = 0;
};

}  // namespace jeton::agent
