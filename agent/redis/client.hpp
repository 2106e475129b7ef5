// Client: commands and scripts to one Redis server over a connection that repairs itself.
//
// A command issued while there is no connection waits for one until its deadline. Every failure is a TransportError: a
// NotSentError if the server has not seen the command, a ServerError if it answered with an error. Nothing is sent
// twice, except a script the server does not know (NOSCRIPT: it was not run). One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/redis/command.hpp"
#include "agent/redis/reply.hpp"
#include "agent/redis/transport.hpp"

namespace jeton::agent::redis {

class Client {
 public:
  // Timers and random outlive the client.
  Client(Timers& timers, Random& random, ConnectOptions options);
  ~Client();  // stops
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Called on the loop after each connect. Before start().
  void on_connected(std::function<void()> callback);
  void start();
  // Ends the connection; every command, waiting or later, throws TransportError.
  void stop();

  Task<Reply> command(Command command, BootTime deadline);
  // EVALSHA, and EVAL once if the server does not know the script. Views need to live until the call returns its Task.
  Task<Reply> run(const Script& script, std::span<const std::string> keys, std::span<const std::string_view> arguments,
                  BootTime deadline);

  [[nodiscard]] bool is_connected() const;
  // Why there is no connection; empty while there is one.
  [[nodiscard]] const std::string& last_error() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
