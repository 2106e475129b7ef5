// ServerFacts (server_check.hpp): the facts in INFO, and the findings from them.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

#include "agent/fleet/redis/server_check.hpp"

namespace jeton::agent {
namespace {

using Level = Finding::Level;
using Lines = std::map<std::string, std::string, std::less<>>;

constexpr Milliseconds noticeable_offset = std::chrono::seconds(2);
constexpr Milliseconds alarming_offset = std::chrono::minutes(1);
constexpr std::uint64_t oldest_major = 6;  // reports lost keys, and has ACL users

// "name:value", one a line; "# Section" between them.
Lines lines_of(std::string_view info) {
  Lines lines;
  while (!info.empty()) {
    const std::size_t end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with('#')) continue;
    lines.emplace(line.substr(0, colon), line.substr(colon + 1));
  }
  return lines;
}

std::string text_in(const Lines& lines, std::string_view name) {
  const auto found = lines.find(name);
  return found == lines.end() ? std::string() : found->second;
}

// The number at the beginning.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} ? std::optional(number) : std::nullopt;
}

bool failed(const Lines& lines, std::string_view name) {
  const std::string status = text_in(lines, name);
  return !status.empty() && status != "ok";
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes / (1024 * 1024)) + " MiB"; }

void judge_version(ServerFindings& found, const ServerFacts& facts) {
  if (facts.software.empty()) return;
  const std::size_t blank = facts.software.find(' ');
  const auto major = number_in(std::string_view(facts.software).substr(blank + 1));
  if (facts.software.starts_with("Redis") && major.value_or(oldest_major) < oldest_major) {
    found.add(Level::warning, facts.software + " does not report lost keys: a data loss is found after 30s",
              "upgrade the server to Redis 7 or Valkey 8");
    return;
  }
  found.add(Level::ok, facts.software);
}

void judge_role(ServerFindings& found, const ServerFacts& facts, const ServerTerms& terms) {
  if (facts.is_loading) {
    found.add(Level::problem, "still loads its data", found.command("INFO persistence"));
  }
  if (facts.role == "slave") {
    found.add(Level::problem, "is a replica and takes no writes; the endpoint must lead to the primary",
              found.command("INFO replication"));
    return;
  }
  if (!facts.replicas) return;
  const std::string count = std::to_string(*facts.replicas) + (*facts.replicas == 1 ? " replica" : " replicas");
  if (std::cmp_less(*facts.replicas, terms.replicas_acked)) {
    found.add(Level::problem,
              count + ", but coordination.redis.replicas_acked is " + std::to_string(terms.replicas_acked) +
                  ": no lock can be taken",
              found.command("INFO replication"));
  } else if (terms.follows && *facts.replicas == 0) {
    found.add(Level::warning, "has no replica that could take its place", found.command("INFO replication"));
  } else {
    found.add(Level::ok, count);
  }
}

// Every key of jeton has an expiry, so the policies volatile-* evict them as well.
void judge_memory(ServerFindings& found, const ServerFacts& facts) {
  if (facts.eviction.empty()) return;
  const bool evicts = facts.eviction != "noeviction";
  if (facts.max_memory == 0) {
    found.add(Level::ok, "no maxmemory, so nothing is evicted");
    return;
  }
  if (evicts) {
    found.add(Level::problem,
              "evicts keys when its memory is full (maxmemory-policy " + facts.eviction +
                  "): a lock may vanish while it is held" +
                  (facts.evicted_keys == 0 ? std::string()
                                           : "; " + std::to_string(facts.evicted_keys) + " keys were evicted"),
              found.command("CONFIG SET maxmemory-policy noeviction"));
  }
  if (facts.used_memory / 9 >= facts.max_memory / 10) {
    found.add(Level::warning,
              mebibytes(facts.used_memory) + " of " + mebibytes(facts.max_memory) + " of its memory are used",
              found.command("INFO memory"));
  } else if (!evicts) {
    found.add(Level::ok, "maxmemory-policy noeviction, " + mebibytes(facts.used_memory) + " of " +
                             mebibytes(facts.max_memory) + " used");
  }
}

void judge_persistence(ServerFindings& found, const ServerFacts& facts, const ServerTerms& terms) {
  if (facts.append_failed || facts.snapshot_failed) {
    found.add(Level::problem,
              std::string("the last ") + (facts.append_failed ? "write to its append-only file" : "snapshot") +
                  " failed, and it may refuse writes (MISCONF): look at its log and its disk",
              found.command("INFO persistence"));
    return;
  }
  if (!facts.appends) return;
  if (*facts.appends) {
    found.add(Level::ok, "has an append-only file");
    return;
  }
  found.add(Level::warning,
            terms.in_quorum ? "has no append-only file: after a restart it may give a held lock to a second owner"
                            : "has no append-only file: a restart loses the locks of applications, and counts of calls",
            found.command("CONFIG SET appendonly yes"));
}

}  // namespace

ServerFacts read_server_facts(std::string_view info) {
  const Lines lines = lines_of(info);
  ServerFacts facts;
  const std::string valkey = text_in(lines, "valkey_version");
  const std::string redis = text_in(lines, "redis_version");
  if (!valkey.empty()) {
    facts.software = "Valkey " + valkey;
  } else if (!redis.empty()) {
    facts.software = "Redis " + redis;
  }
  facts.role = text_in(lines, "role");
  facts.is_loading = text_in(lines, "loading") == "1";
  facts.eviction = text_in(lines, "maxmemory_policy");
  facts.max_memory = number_in(text_in(lines, "maxmemory")).value_or(0);
  facts.used_memory = number_in(text_in(lines, "used_memory")).value_or(0);
  facts.evicted_keys = number_in(text_in(lines, "evicted_keys")).value_or(0);
  if (const std::string appends = text_in(lines, "aof_enabled"); !appends.empty()) facts.appends = appends == "1";
  facts.append_failed = failed(lines, "aof_last_write_status");
  facts.snapshot_failed = failed(lines, "rdb_last_bgsave_status");
  if (const auto replicas = number_in(text_in(lines, "connected_slaves"))) {
    facts.replicas = static_cast<unsigned>(*replicas);
  }
  return facts;
}

Findings judge_server(const std::string& endpoint, const ServerFacts& facts, const ServerTerms& terms) {
  ServerFindings found(endpoint);
  judge_version(found, facts);
  judge_role(found, facts, terms);
  judge_memory(found, facts);
  judge_persistence(found, facts, terms);
  return found.take();
}

Finding judge_server_clock(const std::string& endpoint, Milliseconds offset) {
  ServerFindings found(endpoint);
  const Milliseconds size{std::abs(offset.count())};
  const std::string text = "its clock is " + std::to_string(size.count()) + "ms " +
                           (offset < Milliseconds{0} ? "behind" : "ahead of") + " this host's";
  if (size < noticeable_offset) {
    found.add(Level::ok, text);
  } else {
    found.add(size < alarming_offset ? Level::warning : Level::problem,
              text + "; the agent corrects for it, but one of the two clocks is wrong", "timedatectl status");
  }
  return found.take().front();
}

std::string server_client(const std::string& endpoint) {
  constexpr std::string_view unix_scheme = "unix://";
  const std::string address = endpoint.substr(0, endpoint.find(' '));  // behind it: who named the server
  if (address.starts_with(unix_scheme)) {
    return "redis-cli -s " + address.substr(unix_scheme.size(), address.find('?') - unix_scheme.size());
  }
  if (address.find("://") == std::string::npos) return "redis-cli";
  return "redis-cli -u " + address;
}

}  // namespace jeton::agent
