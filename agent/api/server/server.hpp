// ApiServer: the agent's local API (agent/README.md, Architecture): HTTP/1.1 with JSON on a unix socket, on the agent's
// one loop.
//
// Every user of the host may connect; the kernel names the user, which decides what a client may see (peer.hpp,
// routes.hpp). A slow or hostile client is bounded by ApiLimits, and no number of ordinary users shuts out root, the
// agent's own user and admins. Running out of descriptors pauses accepting and is logged, no more.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/api/agent_facade.hpp"
#include "agent/api/api_tally.hpp"
#include "agent/api/server/limits.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

class ApiServer {
 public:
  // `timers` and `facade` live until stop() has returned, the loop behind the executor longer.
  ApiServer(Executor executor, Timers& timers, std::filesystem::path path, AgentFacade& facade, ApiLimits limits = {});
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;
  ~ApiServer();

  // Makes the socket; the caller is the only agent of this runtime_dir (socket_file.hpp). Throws Error.
  void start();
  // Creates the socket again if its file was removed; clients that are connected stay. Throws Error if that
  // fails.
  void restore_socket();
  // Removes the socket and disconnects every client, streams included. Idempotent.
  void stop();

  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] const ApiTally& tally() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
