// CommandRunner: runs commands and scripts on one Redis deployment, each where its key is: Client on one server,
// ClusterRunner (cluster_runner.hpp) in the slots of a Cluster.
//
// A command issued while there is no connection waits for one until its deadline. Every failure is a TransportError: a
// NotSentError if no server has seen the command, a ServerError if it answered with an error. One thread: the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

class CommandRunner {
 public:
  CommandRunner() = default;
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;
  virtual ~CommandRunner() = default;

  // Called on the loop after each connect. Before start().
  virtual void on_connected(std::function<void()> callback) = 0;
  virtual void start() = 0;
  // Ends all connections; every command, waiting or later, throws TransportError.
  virtual void stop() = 0;

  // Sends a command to the server that holds `key`. A command without a key is given one too, so that it goes to a
  // known server.
  virtual Task<Reply> command(std::string_view key, Command command, BootTime deadline) = 0;
  // EVALSHA, and EVAL once if the server does not know the script. All keys are in one slot. Arguments that are passed
  // by reference live until the Task is done.
  virtual Task<Reply> run(const Script& script, std::span<const std::string> keys,
                          std::span<const std::string_view> arguments, BootTime deadline) = 0;

  // run(), and then WAIT on the same connection until the given number of replicas have the write, for `patience` at
  // most. It delays other commands for no longer than a tenth of that at a time.
  struct Replicated {
    Reply reply;
    std::int64_t replicas = 0;  // that have it
  };
  virtual Task<Replicated> run_replicated(const Script& /*script*/, std::span<const std::string> /*keys*/,
                                          std::span<const std::string_view> /*arguments*/, int /*replicas*/,
                                          Duration /*patience*/, BootTime /*deadline*/) {
    throw TransportError(display() +
                         ": its replicas cannot be waited for; leave coordination.redis.replicas_acked out");
  }

  [[nodiscard]] virtual bool is_connected() const = 0;
  // Why there is no connection; empty while there is one.
  [[nodiscard]] virtual std::string last_error() const = 0;
  // The name by which an operator knows the server that commands go to now; no password.
  [[nodiscard]] virtual std::string display() const = 0;
};

// One server, over a connection that repairs itself. Nothing is sent twice, except a script the server does not know
// (NOSCRIPT: it was not run).
//
// If a server answers that it takes no writes (READONLY, MASTERDOWN), the client disconnects: the next connect may find
// another server, through the endpoint resolver or behind the same name.
class Client final : public CommandRunner {
 public:
  // Timers and random outlive the client. `keepalive`: the time in which nothing was heard, before a PING.
  Client(Timers& timers, Random& random, ConnectOptions options, Duration keepalive = usual_keepalive);
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
  // The server is of no use: connects again, to another address of its name if there is one.
  void leave();

  [[nodiscard]] bool is_connected() const override;
  [[nodiscard]] std::string last_error() const override;
  [[nodiscard]] std::string display() const override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
