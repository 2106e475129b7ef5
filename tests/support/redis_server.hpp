// A redis-server of the test's own: on a unix socket in a temporary directory and on a free loopback port, without
// persistence unless asked for.
//
// JETON_TEST_REDIS_SERVER in the environment names another server with the same command line, by path or name: for
// example valkey-server. Then the tests start only that server: primaries, replicas, sentinels, the nodes of a cluster.
// Its client is beside it, as valkey-cli is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

// The programs that tests start. Throws if no client belongs to the name of the server.
[[nodiscard]] std::string redis_server_program();
[[nodiscard]] std::string redis_cli_program();

// Files of a server that speaks nothing but TLS on its port, also with its replicas and the nodes of its cluster.
struct ServerTls {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;

  // Arguments of redis-server, without the port.
  [[nodiscard]] std::vector<std::string> arguments() const;
};

class RedisServer {
 public:
  // `extra`: further arguments of redis-server, for example {"--requirepass", "x"}. `env`: added to its environment.
  // Returns when it answers PING.
  explicit RedisServer(std::vector<std::string> extra = {}, std::map<std::string, std::string> env = {},
                       std::optional<ServerTls> tls = {});

  [[nodiscard]] std::uint16_t port() const { return port_.port(); }
  // The port for messages between the nodes of a Cluster, if `extra` has --cluster-enabled.
  [[nodiscard]] std::uint16_t bus_port() const { return bus_port_.port(); }
  [[nodiscard]] std::string socket() const { return (dir_ / "redis.sock").string(); }
  [[nodiscard]] std::string tcp_url() const { return "redis://127.0.0.1:" + std::to_string(port()) + "/0"; }
  [[nodiscard]] std::string unix_url() const { return "unix://" + socket(); }

  // Runs one command; the answer is as redis_command() gives it.
  std::string cli(const std::vector<std::string>& arguments) const;
  // Removes all data.
  void flush() const { cli({"FLUSHALL"}); }

  void signal(int number) const { process_->signal(number); }
  void kill() { process_->kill(); }
  // Starts again on the same port and socket, with no data; returns when it answers. `more`: further arguments, for
  // this time only.
  void restart(const std::vector<std::string>& more = {});
  // Everything that it logged, before each restart too.
  [[nodiscard]] std::string log() const { return earlier_log_ + process_->out(); }

 private:
  void start(const std::vector<std::string>& more = {});

  TempDir dir_;
  ReservedPort port_;
  ReservedPort bus_port_;
  std::vector<std::string> extra_;
  ProcessOptions options_;
  std::optional<ServerTls> tls_;
  std::string password_;
  std::unique_ptr<Process> process_;
  std::string earlier_log_;
};

}  // namespace jeton::test
