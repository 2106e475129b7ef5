// CommandRunner: runs commands and scripts on one Redis deployment, each where its key is: on one server (client.hpp)
// or in the slots of a Cluster (cluster_runner.hpp).
//
// A command issued while there is no connection waits for one until its deadline. Every failure is a TransportError: a
// NotSentError if no server has seen the command, a ServerError if it answered with an error. One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/redis/client/command.hpp"

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

}  // namespace jeton::agent::redis
