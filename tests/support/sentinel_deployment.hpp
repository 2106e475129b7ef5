// Real sentinels, and a primary with two replicas under three of them: a failover takes two to three seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

// One redis-server in sentinel mode that watches a primary called "jeton".
class SentinelServer {
 public:
  // `extra`: further lines of its configuration. Returns when it answers.
  SentinelServer(std::uint16_t primary_port, int quorum, std::string extra = {}, std::optional<ServerTls> tls = {});

  [[nodiscard]] std::uint16_t port() const { return port_.port(); }
  [[nodiscard]] std::string url() const {
    return (tls_ ? "rediss://127.0.0.1:" : "redis://127.0.0.1:") + std::to_string(port());
  }
  void kill() { process_->kill(); }
  void signal(int number) const { process_->signal(number); }
  std::string cli(const std::vector<std::string>& arguments) const;
  // A field of SENTINEL MASTER; empty if it does not answer.
  [[nodiscard]] std::string about_primary(const std::string& field) const;
  // The port of the primary as it sees it now; 0 if it does not answer.
  [[nodiscard]] std::uint16_t primary_port() const;

 private:
  TempDir dir_;
  std::optional<ServerTls> tls_;
  ReservedPort port_;
  std::unique_ptr<Process> process_;
};

class SentinelDeployment {
 public:
  static constexpr std::size_t count = 3;
  // The port by which the others are to reach a server, such as that of a proxy in front of it.
  using ConnectVia = std::function<std::uint16_t(const RedisServer&)>;

  // Returns when every sentinel knows all others and both replicas.
  SentinelDeployment() : SentinelDeployment(std::nullopt) {}
  explicit SentinelDeployment(std::optional<ServerTls> tls, const ConnectVia& connect_via = &RedisServer::port);

  [[nodiscard]] SentinelServer& sentinel(std::size_t index) { return *sentinels_[index]; }
  // Server 0 is the first primary.
  [[nodiscard]] RedisServer& server(std::size_t index) { return *servers_[index]; }
  // The primary on which the living sentinels agree and which reports that role itself; none during a failover.
  [[nodiscard]] std::optional<std::size_t> primary() const;
  // For coordination.redis of an agent.
  [[nodiscard]] std::string yaml() const;
  // From now on the replicas of this server get no data, while the sentinels notice no fault.
  void cut_replication(std::size_t index) const;

 private:
  std::optional<ServerTls> tls_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<SentinelServer>> sentinels_;
};

}  // namespace jeton::test
