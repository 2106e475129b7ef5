// Agent: all tokens of one host, the coordinator they share and the local API that shows them. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/api/agent_facade.hpp"
#include "agent/config/load.hpp"

namespace boost::asio {
class io_context;
}

namespace jeton::agent {

class BootTimers;
class Random;

class Agent final : public AgentFacade {
 public:
  // Takes the runtime directory, opens every segment and the API's socket. Throws Error, and leaves behind only
  // segments that existed before.
  Agent(boost::asio::io_context& loop, BootTimers& timers, Random& random, Config config);
  ~Agent() override;

  // What the process around the agent does for it.
  struct Callbacks {
    std::function<Task<ReloadVerdict>()> reload;  // the local API asks for one
    std::function<LoadResult()> read_config;      // the files of the configuration, for an examination
    // The runtime directory was removed and cannot be created again; without it the agent tries again and again.
    std::function<void(const std::string& why)> lost_directory;
  };
  // Before start().
  void connect(Callbacks callbacks);
  void start();
  // Applies all of `wanted` or nothing: throws Error and changes nothing if `wanted` cannot be applied while the agent
  // runs, or if the agent is stopped meanwhile. Only one call at a time.
  Task<> reload(Config wanted);
  // Releases the locks, closes the connections, and leaves the segments readable.
  Task<> stop();
  [[nodiscard]] bool stopping() const;
  // The longest time of stop(): longer if a running fetch may return a refresh token that is given only once.
  [[nodiscard]] Duration stop_patience() const;
  void clock_stepped();
  // The provider that no request can reach until the agent is restarted (http_threads.hpp), for so long. Empty: none.
  [[nodiscard]] std::string stuck_provider(Duration since) const;

  [[nodiscard]] AgentStatus agent_status() const override;
  [[nodiscard]] std::optional<TokenStatus> token_status(const std::string& name) const override;
  [[nodiscard]] const TokenHistory* token_history(const std::string& name) const override;
  [[nodiscard]] const AccessConfig* token_access(const std::string& name) const override;
  [[nodiscard]] const AccessConfig& admins() const override;
  std::optional<RefreshAnswer> token_rejected(const std::string& name, Generation generation) override;
  std::optional<RefreshAnswer> refresh_token(const std::string& name) override;
  Task<ReloadVerdict> request_reload() override;
  Task<Findings> examine() override;
  [[nodiscard]] LockBroker* locks() override;
  Task<MetricsPage> metrics(std::string accept) override;
  [[nodiscard]] std::string host() const override;
  [[nodiscard]] Event& changed() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jeton::agent
