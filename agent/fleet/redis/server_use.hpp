// The common part of a coordinator and a lock store, on one RedisServer as on a quorum of them: the use of connections
// that they share, the subjects of their calls, and the state of these calls. One thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/task.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent {

// ServerUse: one user (a coordinator, a lock store) of the connections of some servers. They begin with the first
// start() and end with the last stop(); the last destructor ends them at once. Connections that have ended do not
// begin again.
class ServerUse {
 public:
  explicit ServerUse(Servers servers);
  ~ServerUse();
  ServerUse(const ServerUse&) = delete;
  ServerUse& operator=(const ServerUse&) = delete;

  void start();
  void stop();

 private:
  Servers servers_;
  bool started_ = false;
  bool stopped_ = false;
};

[[nodiscard]] inline Subject subject_of(const LockId& id) { return {Subject::Kind::lock, id.name, {id.terms, {}}}; }

// ReleaseListeners: by lock, the function that is called when it was released or a release may have been missed.
class ReleaseListeners {
 public:
  // The listener to subscribe for this lock from now on; it lives until the next call about the lock. Null for null.
  [[nodiscard]] FleetListener* set(const LockId& id, std::function<void()> woken);
  void clear() { listeners_.clear(); }

 private:
  std::map<std::string, std::unique_ptr<FleetListener>> listeners_;
};

// TokenSubjects: the terms that a coordinator was configured with, by token.
class TokenSubjects {
 public:
  void configure(const std::string& name, const TokenTerms& terms) { terms_[name] = terms; }
  void prune_except(const std::set<std::string>& names) {
    std::erase_if(terms_, [&](const auto& entry) { return !names.contains(entry.first); });
  }
  [[nodiscard]] Subject of(const std::string& name) const;
  [[nodiscard]] std::vector<Subject> all() const;

 private:
  std::map<std::string, TokenTerms> terms_;
};

// So many records are read at the same time. An agent with ten thousand tokens reads all of them at its start and
// after each gap: without a limit the last answers would come after the timeout of a command, and a lock that is asked
// for meanwhile would wait for all of them.
inline constexpr std::size_t most_loads = 256;

// The data of a coordinator's calls under way, which may outlive the coordinator.
struct TokenCalls {
  explicit TokenCalls(Timers& timers) : loads(timers, most_loads) {}

  // The error of the last call. A quiet agent makes no call for hours, so an event that shows the end of the error
  // also clears it.
  struct Trouble {
    std::string text{};    // empty: none
    bool refused = false;  // the server answered with an error
    bool access = false;   // about this agent's rights
  };

  TokenSubjects subjects;
  Trouble trouble;
  bool stopped = false;
  Places loads;  // waited for while enough servers are connected: all calls are to notice an outage
};

// Runs one call, unless stopped, and keeps what health() says about the last one. `who`: the user that was stopped.
template <typename T>
Task<T> tracked(std::shared_ptr<TokenCalls> calls, std::string who, Task<T> call) {
  if (calls->stopped) throw TransportError(who + ": stopped");
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(call);
      calls->trouble = {};
    } else {
      T result = co_await std::move(call);
      calls->trouble = {};
      co_return result;
    }
  } catch (const redis::ServerError& e) {
    calls->trouble = {e.what(), true, e.is_about_access()};
    throw;
  } catch (const TransportError& e) {
    calls->trouble = {e.what()};
    throw;
  }
}

[[nodiscard]] std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server);

}  // namespace jeton::agent
