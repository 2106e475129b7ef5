#include "tests/support/redis_cluster.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"

namespace jeton::test {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("redis cluster: " + what);
}

void ok(const RedisServer& node, const std::vector<std::string>& command) {
  const std::string words = command.at(0) + " " + command.at(1);
  const std::string answer = node.cli(command);
  require(answer == "OK" || answer == "NOKEY", words + ": " + answer);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

RedisCluster::RedisCluster(std::optional<ServerTls> tls, std::vector<std::string> extra)
    : tls_(std::move(tls)), extra_(std::move(extra)) {
  static constexpr const char* ranges[primaries()][2] = {{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}};
  for (std::size_t i = 0; i < primaries(); ++i) {
    RedisServer& node = add_node();
    ok(node, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    ok(node, {"CLUSTER", "ADDSLOTSRANGE", ranges[i][0], ranges[i][1]});
  }
  meet_all("it does not form");
}

RedisServer& RedisCluster::add_node() {
  std::vector<std::string> arguments{"--cluster-enabled",
                                     "yes",
                                     "--cluster-node-timeout",
                                     "5000",
                                     "--cluster-require-full-coverage",
                                     "no",
                                     "--cluster-replica-validity-factor",
                                     "0",
                                     "--repl-diskless-sync-delay",
                                     "0"};
  arguments.insert(arguments.end(), extra_.begin(), extra_.end());
  nodes_.push_back(std::make_unique<RedisServer>(arguments, std::map<std::string, std::string>{}, tls_));
  return *nodes_.back();
}

// A node forgets an introduction that has not become a handshake within its node timeout, so it is repeated; a node
// that is known is not met again.
void RedisCluster::meet_all(const std::string& otherwise) const {
  const RedisServer& first = *nodes_.front();
  const auto meet = [&](const RedisServer& node) {
    ok(node, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(first.port()), std::to_string(first.bus_port())});
  };
  const auto know_each_other = [&] {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) { return knows(*node, nodes_.size()); });
  };
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!know_each_other()) {
    require(std::chrono::steady_clock::now() < deadline, otherwise);
    std::for_each(nodes_.begin() + 1, nodes_.end(), [&](const auto& node) { meet(*node); });
    static_cast<void>(eventually(know_each_other, std::chrono::seconds(5)));
  }
}

bool RedisCluster::knows(const RedisServer& node, std::size_t count) const {
  const std::string info = node.cli({"CLUSTER", "INFO"});
  if (!contains(info, "cluster_state:ok") || !contains(info, "cluster_slots_ok:16384")) return false;
  const std::string list = node.cli({"CLUSTER", "NODES"});
  return static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n')) + 1 >= count &&
         !contains(list, "handshake") && !contains(list, "disconnected");  // messages need a link to each node
}

RedisServer& RedisCluster::add_replica(const RedisServer& of) {
  RedisServer& replica = add_node();
  meet_all("the replica does not join");
  require(eventually([&] { return replica.cli({"CLUSTER", "REPLICATE", id(of)}) == "OK"; }), "it takes no replica");
  require(eventually([&] {
            return contains(replica.cli({"INFO", "replication"}), "master_link_status:up");
          }),
          "the replica does not get the data");
  return replica;
}

RedisServer& RedisCluster::holder(const std::string& key) {
  const int slot = std::stoi(slot_of(key));
  for (const auto& node : nodes_) {
    // ID ADDRESS FLAGS PRIMARY PING PONG EPOCH STATE [RANGE...]; only its own line is true without doubt.
    std::istringstream lines(node->cli({"CLUSTER", "NODES"}));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::vector<std::string> word;
      for (std::string w; words >> w;) word.push_back(w);
      if (word.size() < 9 || !contains(word[2], "myself") || !contains(word[2], "master")) continue;
      for (std::size_t i = 8; i < word.size(); ++i) {
        if (word[i][0] == '[') continue;  // being moved
        const auto dash = word[i].find('-');
        const int first = std::stoi(word[i]);
        const int last = dash == std::string::npos ? first : std::stoi(word[i].substr(dash + 1));
        if (slot >= first && slot <= last) return *node;
      }
    }
  }
  throw std::runtime_error("redis cluster: no node holds " + key);
}

RedisServer& RedisCluster::other_than(const std::vector<const RedisServer*>& not_these) {
  for (std::size_t i = 0; i < primaries(); ++i) {
    if (std::find(not_these.begin(), not_these.end(), nodes_[i].get()) == not_these.end()) return *nodes_[i];
  }
  throw std::runtime_error("redis cluster: no other primary");
}

std::string RedisCluster::cli(const std::vector<std::string>& arguments) {
  for (const auto& node : nodes_) {
    if (node->cli({"PING"}) != "PONG") continue;
    std::vector<std::string> argv{redis_cli_program(), "-c", "-p", std::to_string(node->port()), "--raw"};
    if (tls_) argv.insert(argv.end(), {"--tls", "--cacert", tls_->ca_file});
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    std::string out = run(argv).out;
    if (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  throw std::runtime_error("redis cluster: no node runs");
}

std::string RedisCluster::slot_of(const std::string& key) const {
  for (const auto& node : nodes_) {
    std::string slot = node->cli({"CLUSTER", "KEYSLOT", key});
    if (!slot.empty() && slot.find_first_not_of("0123456789") == std::string::npos) return slot;
  }
  throw std::runtime_error("redis cluster: no node runs");
}

void RedisCluster::begin_migration(const std::string& slot, const RedisServer& from, const RedisServer& to) const {
  ok(to, {"CLUSTER", "SETSLOT", slot, "IMPORTING", id(from)});
  ok(from, {"CLUSTER", "SETSLOT", slot, "MIGRATING", id(to)});
}

void RedisCluster::migrate_key(const std::string& key, const RedisServer& from, const RedisServer& to) const {
  ok(from, {"MIGRATE", "127.0.0.1", std::to_string(to.port()), key, "0", "10000"});
}

void RedisCluster::end_migration(const std::string& slot, const RedisServer& from, const RedisServer& to) const {
  for (;;) {
    const std::string key = from.cli({"CLUSTER", "GETKEYSINSLOT", slot, "1"});
    if (key.empty()) break;
    migrate_key(key, from, to);
  }
  ok(to, {"CLUSTER", "SETSLOT", slot, "NODE", id(to)});
  // A key that was written meanwhile would be refused here, as redis-cli would see it too.
  ok(from, {"CLUSTER", "SETSLOT", slot, "NODE", id(to)});
}

void RedisCluster::move_slot(const std::string& slot, const RedisServer& from, const RedisServer& to) const {
  begin_migration(slot, from, to);
  end_migration(slot, from, to);
}

std::string RedisCluster::endpoints() const {
  const std::string scheme = tls_ ? "rediss://127.0.0.1:" : "redis://127.0.0.1:";
  std::string list = "[";
  for (std::size_t i = 0; i < primaries(); ++i) {
    list += (i == 0 ? "" : ", ") + scheme + std::to_string(nodes_[i]->port());
  }
  return list + "]";
}

}  // namespace jeton::test
