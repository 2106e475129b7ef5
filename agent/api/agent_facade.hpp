// AgentFacade: the questions and commands of the API to the agent; the service implements it. One thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/finding.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/locks/lock_broker.hpp"
#include "agent/refresh/token_history.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

// The locks of this host's applications.
struct LocksStatus {
  BackendHealth store;
  LockBroker::Counts sessions;
};

// agent.listen.
struct ListenStatus {
  std::string address;
  std::string error{};   // why the agent cannot listen there; it tries again and again. Empty: it listens
  std::string remedy{};  // what to type
};

struct AgentStatus {
  std::string version;
  std::string host;
  std::int64_t pid = 0;
  WallTime started_at;
  WallTime now;
  std::uint64_t log_lines_dropped = 0;  // since it started
  BackendHealth coordinator;
  std::vector<TokenStatus> tokens;     // by name
  std::optional<LocksStatus> locks;    // none: no rule lets a user take any, and none is held
  std::optional<ListenStatus> listen;  // none: it is not configured
  std::string refused_reload;          // why the last reload changed nothing; empty: it was applied, or there was none
};

// The outcome of a reload of the configuration.
struct ReloadVerdict {
  std::string refusal;                // why the old configuration stays in force; empty: the new one is in force
  std::vector<std::string> problems;  // of the files, each with its place; may be warnings
};

// The answer to a scrape.
struct MetricsPage {
  std::string content_type;
  std::string text;
};

class AgentFacade {
 public:
  virtual ~AgentFacade() = default;
  [[nodiscard]] virtual AgentStatus agent_status() const = 0;
  [[nodiscard]] virtual std::optional<TokenStatus> token_status(const std::string& name) const = 0;
  // The last events of the token; nullptr if there is no such token.
  [[nodiscard]] virtual const TokenHistory* token_history(const std::string& name) const = 0;
  // The rule about the readers of the token; nullptr if there is no such token.
  [[nodiscard]] virtual const AccessConfig* token_access(const std::string& name) const = 0;
  // The rule about the users who may ask for refreshes and give other commands that concern all users of a token.
  [[nodiscard]] virtual const AccessConfig& admins() const = 0;
  // Commands of the refresh loop (refresh_loop.hpp); nothing if there is no such token.
  virtual std::optional<RefreshAnswer> token_rejected(const std::string& name, Generation generation) = 0;
  virtual std::optional<RefreshAnswer> refresh_token(const std::string& name) = 0;
  // Reads the configuration again, and ends with the verdict.
  virtual Task<ReloadVerdict> request_reload() = 0;
  // The findings about everything that the agent depends on, for an operator. Takes some seconds at most; changes
  // nothing.
  virtual Task<Findings> examine() = 0;
  // The locks of applications; null: there are none.
  [[nodiscard]] virtual LockBroker* locks() = 0;
  // The metrics in the format that the header Accept asks for. Gives the loop its turns between the parts of the text.
  virtual Task<MetricsPage> metrics(std::string accept) = 0;
  // The name of this host, which is unique in the fleet.
  [[nodiscard]] virtual std::string host() const = 0;
  // Notified at every change of any token's status; lives as long as the agent.
  [[nodiscard]] virtual Event& changed() = 0;
};

}  // namespace jeton::agent
