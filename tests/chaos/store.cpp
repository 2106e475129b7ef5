#include "tests/chaos/store.hpp"

#include <signal.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "tests/chaos/history.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::chaos {
namespace {

constexpr std::size_t primaries = test::RedisCluster::primaries();

std::string role_line(std::size_t server, const char* role, Moment at) {
  return history_line("role", at, at, {{"server", server}, {"role", role}});
}

// PID:ROLE DAY MONTH YEAR HH:MM:SS.mmm, in local time.
std::optional<Moment> moment_of_log(const std::string& line) {
  std::istringstream text(line.substr(line.find(' ') + 1));
  std::tm parts{};
  int milliseconds = 0;
  char dot = 0;
  if (!(text >> std::get_time(&parts, "%d %b %Y %H:%M:%S") >> dot >> milliseconds)) return std::nullopt;
  parts.tm_isdst = -1;
  const std::int64_t wall_us = (std::mktime(&parts) * std::int64_t{1000} + milliseconds) * 1000;
  const Moment present = now();
  return Moment{present.boot_us - (present.wall_us - wall_us), wall_us};
}

const char* role_of_log(const std::string& line) {
  const auto has = [&](const char* text) { return line.find(text) != std::string::npos; };
  if (has("MODE enabled") || has("Failover election won")) return "primary";
  if ((has("REPLICAOF ") && has(" enabled")) || has("Reconfiguring myself as a replica")) return "replica";
  return nullptr;
}

}  // namespace

Store::Store(const Shape& shape) : shape_(shape) {
  switch (shape.backend) {
    case Backend::redis:
    case Backend::redlock:
      for (std::size_t i = 0; i < shape.servers; ++i) {
        servers_.push_back(own_servers_.emplace_back(std::make_unique<test::RedisServer>()).get());
      }
      while (links_.size() < shape.links) {
        links_.push_back(std::make_unique<test::RedisProxy>(servers_[links_.size() % shape.servers]->port()));
      }
      return;
    case Backend::sentinel:
      make_sentinels();
      return;
    case Backend::cluster:
      make_cluster();
      return;
  }
}

void Store::make_sentinels() {
  std::vector<std::uint16_t> seen;  // in the order of the links
  sentinels_ = std::make_unique<test::SentinelDeployment>(std::nullopt, [&](const test::RedisServer& server) {
    const auto known = std::find(seen.begin(), seen.end(), server.port());
    if (known != seen.end()) return links_[static_cast<std::size_t>(known - seen.begin())]->port();
    seen.push_back(server.port());
    return links_.emplace_back(std::make_unique<test::RedisProxy>(server.port()))->port();
  });
  for (std::size_t i = 0; i < shape_.servers; ++i) servers_.push_back(&sentinels_->server(i));
}

void Store::make_cluster() {
  // A failover takes about four seconds.
  cluster_ =
      std::make_unique<test::RedisCluster>(std::nullopt, std::vector<std::string>{"--cluster-node-timeout", "2000"});
  for (std::size_t i = 0; i < primaries; ++i) servers_.push_back(&cluster_->primary(i));
  for (std::size_t i = 0; i < primaries; ++i) servers_.push_back(&cluster_->add_replica(cluster_->primary(i)));
  for (test::RedisServer* server : servers_) {
    links_.push_back(std::make_unique<test::RedisProxy>(server->port()));
    server->cli({"CONFIG", "SET", "cluster-announce-port", std::to_string(links_.back()->port())});
  }
  const auto all_are_named_so = [this] {
    return std::all_of(servers_.begin(), servers_.end(), [this](const test::RedisServer* server) {
      const std::string nodes = server->cli({"CLUSTER", "NODES"});
      return std::all_of(links_.begin(), links_.end(), [&](const auto& link) {
        return nodes.find(":" + std::to_string(link->port()) + "@") != std::string::npos;
      });
    });
  };
  if (!test::eventually(all_are_named_so)) throw std::runtime_error("the cluster does not name the proxies");
}

void Store::configure(test::AgentSettings& settings, std::size_t host) const {
  std::string named;  // by the configuration, where the servers name each other
  const auto name = [&](const std::string& url) { named += (named.empty() ? "" : ", ") + url; };
  switch (shape_.backend) {
    case Backend::redis:
      settings.redis = "{endpoint: '" + links_[host]->url() + "', timeout: 1s}";
      return;
    case Backend::redlock:
      for (std::size_t i = 0; i < shape_.servers; ++i) {
        settings.redlock_urls.push_back(links_[host * shape_.servers + i]->url());
      }
      settings.redlock_timeout = "1s";
      return;
    case Backend::sentinel:
      for (std::size_t i = 0; i < shape_.sentinels; ++i) name(sentinels_->sentinel(i).url());
      settings.redis = "{sentinel: {master: jeton, endpoints: [" + named + "]}, timeout: 1s}";
      return;
    case Backend::cluster:
      for (std::size_t i = 0; i < primaries; ++i) name(links_[i]->url());
      settings.redis = "{cluster: {endpoints: [" + named + "]}, timeout: 1s}";
      return;
  }
}

std::size_t Store::primary_by_sentinels() {
  for (std::size_t i = 0; i < shape_.sentinels; ++i) {
    if (paused_[i]) continue;
    const std::uint16_t port = sentinels_->sentinel(i).primary_port();
    const auto named =
        std::find_if(links_.begin(), links_.end(), [&](const auto& link) { return link->port() == port; });
    if (named == links_.end()) continue;
    last_primary_ = static_cast<std::size_t>(named - links_.begin());
    break;
  }
  return last_primary_;
}

void Store::restart(std::size_t server) {
  const std::string own_port = shape_.links == shape_.servers ? std::to_string(links_[server]->port()) : "";
  switch (shape_.backend) {
    case Backend::redis:
    case Backend::redlock:
      return restart_with_role(server, {});
    case Backend::cluster:  // its file has its role
      return restart_with_role(server, {"--cluster-announce-port", own_port});
    case Backend::sentinel:
      break;
  }
  const std::size_t primary = primary_by_sentinels();
  std::vector<std::string> more{"--replica-announce-port", own_port};
  if (primary != server) {
    more.insert(more.end(), {"--replicaof", "127.0.0.1", std::to_string(links_[primary]->port())});
  }
  restart_with_role(server, more);
}

void Store::restart_with_role(std::size_t server, const std::vector<std::string>& arguments) {
  const Moment begin = now();
  servers_[server]->restart(arguments);
  const bool is_primary = servers_[server]->cli({"ROLE"}).starts_with("master");
  restarts_ += role_line(server, is_primary ? "primary" : "replica", begin);
}

void Store::pause_sentinel(std::size_t i, bool paused) {
  paused_[i] = paused;
  sentinels_->sentinel(i).signal(paused ? SIGSTOP : SIGCONT);
}

void Store::hold_replication(bool held) {
  for (const auto& link : links_) link->hold_replication(held);
}

nlohmann::json Store::groups() const {
  if (shape_.backend == Backend::cluster) {
    const auto group_of = [this](const std::string& key) {
      // On a busy machine a replica may have taken over by now.
      const auto holder = std::find(servers_.begin(), servers_.end(), &cluster_->holder(key));
      return static_cast<std::size_t>(holder - servers_.begin()) % primaries;
    };
    return {{"groups", {{0, 3}, {1, 4}, {2, 5}}},
            {"group_of",
             {{"token", group_of("jeton:{api}:token")},
              {"job", group_of("jeton:lock:{job}")},
              {"kept-job", group_of("jeton:lock:{kept-job}")}}}};
  }
  nlohmann::json groups;
  for (std::size_t i = 0; i < servers_.size(); ++i) groups[shape_.backend == Backend::sentinel ? 0 : i].push_back(i);
  return {{"groups", groups}, {"group_of", {{"token", 0}, {"job", 0}, {"kept-job", 0}}}};
}

std::string Store::history() const {
  std::string text = restarts_;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    std::istringstream log(servers_[i]->log());
    for (std::string line; std::getline(log, line);) {
      const char* role = role_of_log(line);
      if (role == nullptr) continue;
      if (const auto at = moment_of_log(line)) text += role_line(i, role, *at);
    }
  }
  return text;
}

std::string Store::history_of_keys() const {
  std::string text;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (!servers_[i]->cli({"ROLE"}).starts_with("master")) continue;
    std::istringstream keys(servers_[i]->cli({"KEYS", "*"}));
    for (std::string key; std::getline(keys, key);) {
      const Moment asked = now();
      const std::int64_t left_ms = std::stoll(servers_[i]->cli({"PTTL", key}));
      if (left_ms == -2) continue;  // it has ended meanwhile
      text += history_line("key", asked, now(), {{"server", i}, {"key", key}, {"left_ms", left_ms}});
    }
  }
  return text;
}

void Store::save_logs(const std::filesystem::path& directory) const {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    std::ofstream(directory / ("server-" + std::to_string(i) + ".log")) << servers_[i]->log();
  }
}

}  // namespace jeton::chaos
