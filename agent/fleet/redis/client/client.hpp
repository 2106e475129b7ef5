// Client: a CommandRunner on one Redis server, over a connection that repairs itself. Nothing is sent twice, except a
// script the server does not know (NOSCRIPT: it was not run).
//
// If a server answers that it takes no writes (READONLY, MASTERDOWN), the client disconnects: the next connect may find
// another server, through the endpoint resolver or behind the same name.
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/command_runner.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

class Client final : public CommandRunner {
 public:
  // Timers and random outlive the client.
  Client(Timers& timers, Random& random, ConnectOptions options);
  ~Client() override;  // stops

  void on_connected(std::function<void()> callback) override;
  void start() override;
  void stop() override;

  Task<Reply> command(std::string_view key, Command command, BootTime deadline) override;
  Task<Reply> run(const Script& script, std::span<const std::string> keys, std::span<const std::string_view> arguments,
                  BootTime deadline) override;
  Task<Replicated> run_replicated(const Script& script, std::span<const std::string> keys,
                                  std::span<const std::string_view> arguments, int replicas, Duration patience,
                                  BootTime deadline) override;

  // For a Cluster: an error reply is returned, not thrown. `asking`: sends ASKING right before the command.
  Task<Reply> exchange(Command command, BootTime deadline, bool asking = false);

  [[nodiscard]] bool is_connected() const override;
  [[nodiscard]] std::string last_error() const override;
  [[nodiscard]] std::string display() const override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
