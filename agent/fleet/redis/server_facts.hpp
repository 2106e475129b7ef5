// ServerFacts: what INFO of a Redis server says about the server, and what an operator should know about it: version,
// role, eviction, persistence, memory, replicas, clock. Pure functions; any thread.
//
// A server may leave any line out: what it does not tell is not judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/finding.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

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

// What the agent expects of a server.
struct ServerTerms {
  int replicas_acked = 0;
  bool follows = false;    // another server may take its place: Sentinels or a Cluster
  bool in_quorum = false;  // one of the servers of Redlock
};

// `endpoint`: as the agent names the server, without a password.
[[nodiscard]] Findings judge_server(const std::string& endpoint, const ServerFacts& facts, const ServerTerms& terms);
// `offset`: the server's clock minus this host's.
[[nodiscard]] Finding judge_server_clock(const std::string& endpoint, Milliseconds offset);

// The subject of every finding about this server.
[[nodiscard]] std::string server_subject(const std::string& endpoint);
// The client's command for it: "redis-cli -u redis://cache:6379/0", without user and password.
[[nodiscard]] std::string server_client(const std::string& endpoint);

}  // namespace jeton::agent
