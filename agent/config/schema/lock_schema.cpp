// locks.PATTERN: who may take the locks of these names, and for how long; and the key and protocol of a lock that other
// clients of the same Redis take, too: tokens.*.lock, locks.*.
#include <algorithm>
#include <chrono>

#include "agent/config/model/lock_names.hpp"
#include "agent/config/schema/schema.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_key = 512;
constexpr Milliseconds longest_ttl = std::chrono::hours(7 * 24);

bool has_star(const std::string& text) { return text.find('*') != std::string::npos; }

// Several lock names must not get the same key.
void check_star(const ValueReader& place, const std::string& pattern, const std::string& key) {
  if (key.empty() || has_star(pattern) == has_star(key)) return;
  place.refuse(": " + in_quotes(key) +
               (has_star(key) ? " has a * for the name, but the pattern is one name"
                              : " would be the key of every lock of the pattern; put a * in place of the name"));
}

void check_other_keys(const ValueReader& value, const RedisKey& claimed, Reading& reading) {
  for (const auto& [other, owner] : reading.redis_keys) {
    if (other == claimed.key) {
      value.refuse(": " + in_quotes(claimed.key) + " is already the key of " + owner);
      return;
    }
    if (matches_lock_pattern(other, claimed.key) || matches_lock_pattern(claimed.key, other)) {
      value.refuse(": " + in_quotes(claimed.key) + " may be the same key as " + in_quotes(other) + " of " + owner +
                   "; each lock and mirror needs a key of its own");
      return;
    }
  }
  reading.redis_keys.emplace(claimed.key, value.path());
}

// The text before the first star and the text after the last one rule most pairs out.
bool may_overlap(std::string_view a, std::string_view b) {
  const auto begin = std::min(a.find('*'), b.find('*'));
  const auto end = std::min(a.size() - a.rfind('*'), b.size() - b.rfind('*')) - 1;
  return a.substr(0, begin) == b.substr(0, begin) && a.substr(a.size() - end) == b.substr(b.size() - end);
}

}  // namespace

void read_redis_key(const ValueReader& value, std::string& out) {
  auto text = value.text();
  if (text && text->size() > max_key) text = value.refuse(" is longer than " + std::to_string(max_key) + " bytes");
  assign(out, std::move(text));
}

// Scripts touch it together with jeton's own keys of the token or lock.
void claim_redis_key(const ValueReader& value, const RedisKey& claimed, const CoordinationConfig& coordination,
                     Reading& reading) {
  const std::string& key = claimed.key;
  if (key.empty()) return;
  if (key.starts_with(coordination.prefix + ":{") || key.starts_with(coordination.prefix + ":lock:")) {
    value.refuse(": " + in_quotes(key) + " is one of jeton's own keys; choose another");
  }
  check_other_keys(value, claimed, reading);
  if (coordination.backend == CoordinationConfig::Backend::local) {
    value.warn(" is not used: coordination.backend is local");
  }
  const bool cluster = coordination.redis && std::holds_alternative<RedisClusterConfig>(coordination.redis->servers);
  if (cluster && key.find(claimed.tag) == std::string::npos) {
    value.refuse(": in a Cluster the key must contain " + claimed.tag + ", to be in the slot of the " + claimed.owner);
  }
}

LockTermReaders::LockTermReaders(ObjectReader& section) : key(section.at("key")), protocol(section.at("protocol")) {}

TokenLockConfig read_lock_terms(const LockTermReaders& terms) {
  using Protocol = TokenLockConfig::Protocol;
  TokenLockConfig config;
  const auto& [key, protocol] = terms;
  read_redis_key(key, config.key);
  assign(config.protocol, protocol.choice<Protocol>({{"set_nx", Protocol::set_nx}, {"getset", Protocol::getset}}));
  if (config.protocol == Protocol::getset && config.key.empty()) {
    protocol.refuse(" getset needs the key that the other clients use: set " + key.path());
  }
  return config;
}

void check_lock_patterns(const std::vector<Member>& locks, Problems& problems) {
  std::vector<const Member*> patterns;
  for (const Member& member : locks) {
    if (is_lock_pattern(member.name) && has_star(member.name)) patterns.push_back(&member);
  }
  for (auto second = patterns.begin(); second != patterns.end(); ++second) {
    for (auto first = patterns.begin(); first != second; ++first) {
      const std::string& a = (*first)->name;
      const std::string& b = (*second)->name;
      if (lock_pattern_weight(a) != lock_pattern_weight(b) || !may_overlap(a, b)) continue;
      const auto name = common_lock_name(a, b);
      if (!name) continue;
      problems.error((*second)->place, "lock patterns " + in_quotes(b) + " and " + in_quotes(a) + " (" +
                                           (*first)->place.text() + ") both match " + in_quotes(*name) +
                                           ", and neither is more specific than the other; change one, "
                                           "or merge them into one pattern");
      break;  // thousands that overlap are millions of pairs
    }
  }
}

LockRuleConfig read_lock_rule(const Member& member, const CoordinationConfig& coordination, Reading& reading) {
  LockRuleConfig config;
  config.pattern = member.name;
  if (reading.paths == nullptr && !is_lock_pattern(member.name)) {
    reading.problems.error(member.place, "lock pattern " + in_quotes(member.name) + ": expected " + lock_name_rule +
                                             ", or * for any of these");
  }
  ObjectReader rule = member.value.object();
  config.access = read_accounts(rule, reading);
  assign(config.max_ttl, rule.at("max_ttl").duration(1s, longest_ttl));
  const ValueReader when_agent_stops = rule.at("when_agent_stops");
  assign(config.outlives_agent, when_agent_stops.choice<bool>({{"release", false}, {"keep", true}}));
  const LockTermReaders terms(rule);
  config.terms = read_lock_terms(terms);
  if (config.outlives_agent && config.terms.protocol == TokenLockConfig::Protocol::getset) {
    when_agent_stops.refuse(": a new agent cannot continue a lock of the protocol getset; set release");
  }
  check_star(terms.key, config.pattern, config.terms.key);
  const std::string tag = "{" + (has_star(config.pattern) ? "*" : config.pattern) + "}";
  claim_redis_key(terms.key, {config.terms.key, tag, "lock"}, coordination, reading);
  if (config.terms.protocol == TokenLockConfig::Protocol::getset && coordination.redlock) {
    terms.protocol.refuse(": getset is for one server; a majority needs set_nx");
  }
  rule.finish();
  return config;
}

}  // namespace jeton::agent
