#include "tests/support/sentinel_deployment.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/redis_command.hpp"

namespace jeton::test {

SentinelServer::SentinelServer(std::uint16_t primary_port, int quorum, std::string extra, std::optional<ServerTls> tls)
    : tls_(std::move(tls)) {
  const std::string monitored = "127.0.0.1 " + std::to_string(primary_port) + " " + std::to_string(quorum);
  std::string speak_tls;
  if (tls_) {
    const auto words = tls_->arguments();
    for (std::size_t i = 0; i < words.size(); i += 2) speak_tls += words[i].substr(2) + " " + words[i + 1] + "\n";
  }
  const auto config =
      dir_.write("sentinel.conf", "bind 127.0.0.1\n" + speak_tls + (tls_ ? "port 0\ntls-port " : "port ") +
                                      std::to_string(port()) + "\ndir " + dir_.path().string() + "\nunixsocket " +
                                      (dir_ / "sock").string() + "\nsentinel monitor jeton " + monitored +
                                      "\nsentinel down-after-milliseconds jeton 3000\n"
                                      "sentinel failover-timeout jeton 10000\n"
                                      "sentinel parallel-syncs jeton 2\n" +
                                      extra);
  process_ = std::make_unique<Process>(std::vector<std::string>{redis_server_program(), config.string(), "--sentinel"});
  const auto answers = [this] {
    const std::string answer = cli({"PING"});
    return answer == "PONG" || answer.starts_with("NOAUTH");
  };
  if (eventually([&] { return !process_->running() || answers(); }) && process_->running()) return;
  throw std::runtime_error("redis-sentinel does not start: " + process_->out() + process_->err());
}

std::string SentinelServer::cli(const std::vector<std::string>& arguments) const {
  return redis_command((dir_ / "sock").string(), arguments);
}

std::string SentinelServer::about_primary(const std::string& field) const {
  std::istringstream lines(cli({"SENTINEL", "MASTER", "jeton"}));
  for (std::string name, value; std::getline(lines, name) && std::getline(lines, value);) {
    if (name == field) return value;
  }
  return {};
}

std::uint16_t SentinelServer::primary_port() const {
  const std::string port = about_primary("port");
  return port.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(std::stoul(port));
}

SentinelDeployment::SentinelDeployment(std::optional<ServerTls> tls, const ConnectVia& connect_via)
    : tls_(std::move(tls)) {
  const std::map<std::string, std::string> env;
  const std::vector<std::string> settings{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"};
  while (servers_.size() < count) {
    RedisServer& added = *servers_.emplace_back(std::make_unique<RedisServer>(settings, env, tls_));
    added.cli({"CONFIG", "SET", "replica-announce-port", std::to_string(connect_via(added))});
    if (servers_.size() > 1) added.cli({"REPLICAOF", "127.0.0.1", std::to_string(connect_via(server(0)))});
  }
  const auto replicating = [&] {
    return std::all_of(servers_.begin() + 1, servers_.end(), [](const auto& replica) {
      return replica->cli({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
    });
  };
  if (!eventually(replicating)) throw std::runtime_error("the replicas do not replicate");
  // INFO is asked for once at the beginning and every 10 s from then on, so the replicas must be there before.
  for (std::size_t i = 0; i < count; ++i)
    sentinels_.push_back(std::make_unique<SentinelServer>(connect_via(server(0)), 2, "", tls_));
  const auto complete = [&] {
    return std::all_of(sentinels_.begin(), sentinels_.end(), [](const auto& sentinel) {
      return sentinel->about_primary("num-slaves") == "2" && sentinel->about_primary("num-other-sentinels") == "2";
    });
  };
  if (!eventually(complete)) throw std::runtime_error("the sentinels do not find each other");
}

std::optional<std::size_t> SentinelDeployment::primary() const {
  std::uint16_t agreed = 0;
  for (const auto& sentinel : sentinels_) {
    const std::uint16_t port = sentinel->primary_port();
    if (port == 0) continue;
    if (agreed != 0 && port != agreed) return std::nullopt;
    agreed = port;
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i]->port() == agreed && servers_[i]->cli({"ROLE"}).starts_with("master")) return i;
  }
  return std::nullopt;
}

std::string SentinelDeployment::yaml() const {
  std::string endpoints;
  for (const auto& sentinel : sentinels_) endpoints += (endpoints.empty() ? "" : ", ") + sentinel->url();
  const std::string trust = tls_ ? ", tls: {ca_file: " + tls_->ca_file + "}" : "";
  return "{sentinel: {master: jeton, endpoints: [" + endpoints + "]}, timeout: 500ms" + trust + "}";
}

void SentinelDeployment::cut_replication(std::size_t index) const {
  servers_[index]->cli({"ACL", "SETUSER", "default", "-psync", "-sync", "-replconf"});
  servers_[index]->cli({"CLIENT", "KILL", "TYPE", "replica"});
}

}  // namespace jeton::test
