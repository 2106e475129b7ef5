// Examines a Redis server for an operator (`jetonctl doctor`): is it connected, what does it say about itself, does it
// take writes, and may this agent's user do what the agent does. Each question has the timeout of the connection, and
// the first one without an answer ends the examination.
//
// It changes nothing: the keys that it names exist on no server, and SET is asked to write only a key that exists.
//
// ServerFacts: what INFO of the server says, and what an operator should know about it: version, role, eviction,
// persistence, memory, replicas, clock. Pure functions; any thread. A server may leave any line out: what it does not
// report is not judged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/finding.hpp"
#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent {

// The agent's expectations of a server.
struct ServerTerms {
  int replicas_acked = 0;
  bool follows = false;    // another server may take its place: Sentinels or a Cluster
  bool in_quorum = false;  // one of the servers of Redlock
};

// `tokens`: those whose keys of other clients (lock.key, mirror_key) are to be reachable too. Does not throw
// TransportError: it is a finding.
Task<Findings> examine_server(std::shared_ptr<RedisServer> server, ServerTerms terms, std::vector<Subject> tokens);

struct ServerFacts {
  std::string software;  // "Redis 7.0.15", "Valkey 8.1.1"
  std::string role;      // "master", "slave"
  bool is_loading = false;
  std::string eviction;          // maxmemory_policy
  std::uint64_t max_memory = 0;  // bytes; 0: no limit
  std::uint64_t used_memory = 0;
  std::uint64_t evicted_keys = 0;      // since the server started
  std::optional<bool> appends;         // whether it has an append-only file
  bool append_failed = false;          // the last write to it
  bool snapshot_failed = false;        // the last one
  std::optional<unsigned> replicas{};  // that are connected
};
[[nodiscard]] ServerFacts read_server_facts(std::string_view info);

// `endpoint`: as the agent names the server, without a password.
[[nodiscard]] Findings judge_server(const std::string& endpoint, const ServerFacts& facts, const ServerTerms& terms);
// `offset`: the server's clock minus this host's.
[[nodiscard]] Finding judge_server_clock(const std::string& endpoint, Milliseconds offset);

// The client's command for a server: "redis-cli -u redis://cache:6379/0", without user and password.
[[nodiscard]] std::string server_client(const std::string& endpoint);

// The findings about one server.
class ServerFindings {
 public:
  explicit ServerFindings(const std::string& endpoint)
      : subject_("redis " + endpoint), client_(server_client(endpoint)) {}

  void add(Finding::Level level, const std::string& text, const std::string& remedy = {}) {
    findings_.push_back({level, subject_, text, remedy});
  }
  void append(const Findings& more) { findings_.insert(findings_.end(), more.begin(), more.end()); }
  // For a remedy. `words`: behind the client's command.
  [[nodiscard]] std::string command(const std::string& words) const { return client_ + " " + words; }
  [[nodiscard]] Findings take() { return std::move(findings_); }

 private:
  std::string subject_;
  std::string client_;
  Findings findings_;
};

}  // namespace jeton::agent
