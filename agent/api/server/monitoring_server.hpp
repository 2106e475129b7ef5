// MonitoringServer: the status page, /metrics, /live and /ready over TCP, on the address that agent.listen names. No
// tokens, no locks, no commands: nobody knows the clients of a network. On loopback only requests to a name of loopback
// are answered (host_header.hpp). They have the limits of the local API, and one user's share of
// connections, all together. One thread: the loop's.
#pragma once

#include <cstddef>
#include <memory>

#include "agent/api/agent_facade.hpp"
#include "agent/api/api_tally.hpp"
#include "agent/api/server/limits.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

class MonitoringServer {
 public:
  // `timers` and `facade` live until stop() has returned, the loop behind the executor longer.
  MonitoringServer(Executor executor, Timers& timers, ListenAddress address, AgentFacade& facade,
                   ApiLimits limits = {});
  MonitoringServer(const MonitoringServer&) = delete;
  MonitoringServer& operator=(const MonitoringServer&) = delete;
  ~MonitoringServer();

  // Throws Error if the address cannot be had.
  void start();
  // Disconnects every client. Idempotent.
  void stop();

  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] const ApiTally& tally() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
