// Agent: all tokens of one host, the coordinator they share and the local API that shows them. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/api/agent_facade.hpp"
#include "agent/api/server/server.hpp"
#include "agent/base/tally.hpp"
#include "agent/config/load.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "agent/http/http_client.hpp"
#include "agent/segment/runtime_dir.hpp"
#include "agent/service/host_tokens.hpp"

namespace boost::asio {
class io_context;
}

namespace jeton::agent {

class BootTimers;

class Agent final : public AgentFacade {
 public:
  // Takes the runtime directory, opens every segment and the API's socket. Throws Error, and leaves behind only
  // segments that existed before.
  Agent(boost::asio::io_context& loop, BootTimers& timers, Random& random, Config config);

  // The services of the process around the agent.
  struct Callbacks {
    std::function<Task<ReloadVerdict>()> reload;  // the local API asks for one
    std::function<LoadResult()> read_config;      // the files of the configuration, for an examination
    // The runtime directory was removed and cannot be created again; without it the agent tries again and again.
    std::function<void(const std::string& why)> lost_directory;
  };
  // Before start().
  void connect(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  void start();
  // Applies all of `wanted` or nothing: throws Error and changes nothing if `wanted` cannot be applied while the agent
  // runs, or if the agent is stopped meanwhile. Only one call at a time.
  Task<> reload(Config wanted);
  // For the status: why the last reload changed nothing. Empty: it was applied.
  void note_reload(std::string refusal) { refused_reload_ = std::move(refusal); }
  // Releases the locks, closes the connections, and leaves the segments readable.
  Task<> stop();
  [[nodiscard]] bool stopping() const { return stopping_; }
  // The longest time of stop(): longer if a running fetch may return a refresh token that is given only once.
  [[nodiscard]] Duration stop_patience() const;
  void clock_stepped();
  // The provider that no request can reach until the agent is restarted (http_threads.hpp), for so long. Empty: none.
  [[nodiscard]] std::string stuck_provider(Duration since) const { return http_.stuck_server(since); }

  [[nodiscard]] AgentStatus agent_status() const override;
  [[nodiscard]] std::optional<TokenStatus> token_status(const std::string& name) const override {
    return tokens_.status(name);
  }
  [[nodiscard]] const TokenHistory* token_history(const std::string& name) const override {
    return tokens_.history(name);
  }
  [[nodiscard]] const AccessConfig* token_access(const std::string& name) const override;
  [[nodiscard]] const AccessConfig& admins() const override { return config_.agent.admins; }
  std::optional<RefreshAnswer> token_rejected(const std::string& name, Generation generation) override;
  std::optional<RefreshAnswer> refresh_token(const std::string& name) override;
  Task<ReloadVerdict> request_reload() override { return callbacks_.reload(); }
  Task<Findings> examine() override;
  [[nodiscard]] LockBroker* locks() override { return &locks_; }
  Task<MetricsPage> metrics(std::string accept) override;
  [[nodiscard]] std::string host() const override { return host_; }
  [[nodiscard]] Event& changed() override { return changed_; }

 private:
  void beat();
  void restore_directory();

  Config config_;
  BootTimers& timers_;
  Event changed_;
  WallTime started_at_;
  std::string host_;
  RuntimeDir runtime_dir_;
  HttpClient http_;
  Backends backends_;  // moved from, once its parts have their owners
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Coordinator> host_local_;  // for tokens with scope host, and for an outage of the other
  FleetCodec codec_;
  LockBroker locks_;
  DurationTally loop_lag_;
  ApiServer api_;
  std::optional<MonitoringServer> monitoring_;  // none: not configured
  HostTokens tokens_;
  std::unique_ptr<TokenSwitch> next_;  // a reload under way; here, so that it never outlives what it works on
  Callbacks callbacks_;
  std::string refused_reload_;
  bool stopping_ = false;
  bool cannot_restore_ = false;
  Timers::Id heartbeat_timer_ = 0;
};

}  // namespace jeton::agent
