#include "agent/fleet/redis/server_facts.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

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

// What one function says about one server.
class Judgement {
 public:
  explicit Judgement(const std::string& endpoint)
      : subject_(server_subject(endpoint)), client_(server_client(endpoint)) {}

  void add(Level level, const std::string& text, const std::string& remedy = {}) {
    findings_.push_back({level, subject_, text, remedy});
  }
  // `words`: behind the client's command.
  [[nodiscard]] std::string command(const std::string& words) const { return client_ + " " + words; }
  [[nodiscard]] Findings take() { return std::move(findings_); }

 private:
  std::string subject_;
  std::string client_;
  Findings findings_;
};

void judge_version(Judgement& judgement, const ServerFacts& facts) {
  if (facts.software.empty()) return;
  const std::size_t blank = facts.software.find(' ');
  const auto major = number_in(std::string_view(facts.software).substr(blank + 1));
  if (facts.software.starts_with("Redis") && major.value_or(oldest_major) < oldest_major) {
    judgement.add(Level::warning, facts.software + " does not report lost keys: a data loss is found after 30s",
                  "upgrade the server to Redis 7 or Valkey 8");
    return;
  }
  judgement.add(Level::ok, facts.software);
}

void judge_role(Judgement& judgement, const ServerFacts& facts, const ServerTerms& terms) {
  if (facts.is_loading) {
    judgement.add(Level::problem, "still loads its data", judgement.command("INFO persistence"));
  }
  if (facts.role == "slave") {
    judgement.add(Level::problem, "is a replica and takes no writes; the endpoint must lead to the primary",
                  judgement.command("INFO replication"));
    return;
  }
  if (!facts.replicas) return;
  const std::string count = std::to_string(*facts.replicas) + (*facts.replicas == 1 ? " replica" : " replicas");
  if (std::cmp_less(*facts.replicas, terms.replicas_acked)) {
    judgement.add(Level::problem,
                  count + ", but coordination.redis.replicas_acked is " + std::to_string(terms.replicas_acked) +
                      ": no lock can be taken",
                  judgement.command("INFO replication"));
  } else if (terms.follows && *facts.replicas == 0) {
    judgement.add(Level::warning, "has no replica that could take its place", judgement.command("INFO replication"));
  } else {
    judgement.add(Level::ok, count);
  }
}

// Every key of jeton has an expiry, so the policies volatile-* evict them as well.
void judge_memory(Judgement& judgement, const ServerFacts& facts) {
  if (facts.eviction.empty()) return;
  const bool evicts = facts.eviction != "noeviction";
  if (facts.max_memory == 0) {
    judgement.add(Level::ok, "no maxmemory, so nothing is evicted");
    return;
  }
  if (evicts) {
    judgement.add(Level::problem,
                  "evicts keys when its memory is full (maxmemory-policy " + facts.eviction +
                      "): a lock may vanish while it is held" +
                      (facts.evicted_keys == 0 ? std::string()
                                               : "; " + std::to_string(facts.evicted_keys) + " keys were evicted"),
                  judgement.command("CONFIG SET maxmemory-policy noeviction"));
  }
  if (facts.used_memory / 9 >= facts.max_memory / 10) {
    judgement.add(Level::warning,
                  mebibytes(facts.used_memory) + " of " + mebibytes(facts.max_memory) + " of its memory are used",
                  judgement.command("INFO memory"));
  } else if (!evicts) {
    judgement.add(Level::ok, "maxmemory-policy noeviction, " + mebibytes(facts.used_memory) + " of " +
                                 mebibytes(facts.max_memory) + " used");
  }
}

void judge_persistence(Judgement& judgement, const ServerFacts& facts, const ServerTerms& terms) {
  if (facts.append_failed || facts.snapshot_failed) {
    judgement.add(Level::problem,
                  std::string("the last ") + (facts.append_failed ? "write to its append-only file" : "snapshot") +
                      " failed, and it may refuse writes (MISCONF): look at its log and its disk",
                  judgement.command("INFO persistence"));
    return;
  }
  if (!facts.appends) return;
  if (*facts.appends) {
    judgement.add(Level::ok, "has an append-only file");
    return;
  }
  judgement.add(Level::warning,
                terms.in_quorum
                    ? "has no append-only file: after a restart it may give a held lock to a second owner"
                    : "has no append-only file: a restart loses the locks of applications, and counts of calls",
                judgement.command("CONFIG SET appendonly yes"));
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
  Judgement judgement(endpoint);
  judge_version(judgement, facts);
  judge_role(judgement, facts, terms);
  judge_memory(judgement, facts);
  judge_persistence(judgement, facts, terms);
  return judgement.take();
}

Finding judge_server_clock(const std::string& endpoint, Milliseconds offset) {
  Finding finding;
  finding.subject = server_subject(endpoint);
  const Milliseconds size{std::abs(offset.count())};
  finding.text = "its clock is " + std::to_string(size.count()) + "ms " +
                 (offset < Milliseconds{0} ? "behind" : "ahead of") + " this host's";
  if (size < noticeable_offset) return finding;
  finding.level = size < alarming_offset ? Level::warning : Level::problem;
  finding.text += "; the agent corrects for it, but one of the two clocks is wrong";
  finding.remedy = "timedatectl status";
  return finding;
}

std::string server_subject(const std::string& endpoint) { return "redis " + endpoint; }

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
