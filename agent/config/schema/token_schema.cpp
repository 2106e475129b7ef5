// tokens.NAME: everything but the source.
#include <algorithm>
#include <chrono>

#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_name = 63;
constexpr Milliseconds one_day = 24h;

// The name of a token is also the name of the segment's file and part of the keys in Redis.
bool is_token_name(const std::string& name) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= max_name && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

RefreshConfig read_refresh(ObjectReader refresh) {
  RefreshConfig config;
  const ValueReader grace = refresh.at("grace");
  const ValueReader spread = refresh.at("spread");
  config.grace = grace.duration(100ms, 30 * one_day);
  config.spread = spread.duration(0ms, 1h);
  if (config.grace && config.spread && *config.spread > *config.grace) {
    spread.refuse(" (" + format_duration(*config.spread) + ") is longer than grace (" + format_duration(*config.grace) +
                  "): the token could expire before any host fetches");
  }
  assign(config.min_interval, refresh.at("min_interval").duration(0ms, one_day));
  assign(config.overlap, refresh.at("overlap").duration(0ms, 30 * one_day));

  ObjectReader retry = refresh.at("retry").object();
  const ValueReader initial = retry.at("initial");
  const ValueReader max = retry.at("max");
  assign(config.retry_initial, initial.duration(10ms, 1h));
  assign(config.retry_max, max.duration(100ms, one_day));
  assign(config.retry_permanent, retry.at("permanent").duration(100ms, 7 * one_day));
  assign(config.retry_after_max, retry.at("retry_after_max").duration(0ms, one_day));
  if (config.retry_initial > config.retry_max) {
    (initial.present() ? initial : max)
        .error("refresh.retry.initial (" + format_duration(config.retry_initial) +
               ") is longer than refresh.retry.max (" + format_duration(config.retry_max) + ")");
  }
  retry.finish();
  refresh.finish();
  return config;
}

BudgetConfig read_budget(ObjectReader budget) {
  BudgetConfig config;
  assign(config.calls, budget.required("calls").integer(1, 1'000'000'000));
  assign(config.per, budget.at("per").duration(1s, 366 * one_day));
  const ValueReader reserve = budget.at("reserve");
  const ValueReader alone = budget.at("alone");
  assign(config.reserve, reserve.integer(0, 1'000'000'000));
  assign(config.alone, alone.integer(0, 1'000'000'000));
  if (config.calls > 0 && config.reserve >= config.calls) {
    reserve.refuse(" (" + std::to_string(config.reserve) + ") leaves no call of budget.calls (" +
                   std::to_string(config.calls) + ") for scheduled refreshes");
  }
  if (config.calls > 0 && config.alone > config.calls) {
    alone.refuse(" (" + std::to_string(config.alone) + ") is more than budget.calls (" + std::to_string(config.calls) +
                 ")");
  }
  budget.finish();
  return config;
}

// A rotating refresh token stays valid longer than every token, so it is kept sealed, on this host too.
void check_seal(const ValueReader& source, const SourceConfig& config, const CoordinationConfig& coordination) {
  if (!keeps_state(config) || !coordination.seal_keys.empty()) return;
  source.refuse(
      ": the newest refresh token is kept in the coordinator, which has to be sealed: set "
      "coordination.seal.key_files to a file made by jeton-agent keygen, the same on all hosts");
}

}  // namespace

TokenConfig read_token(const Member& member, const CoordinationConfig& coordination, Reading& reading) {
  TokenConfig config;
  config.name = member.name;
  if (reading.paths == nullptr && !is_token_name(member.name)) {
    reading.problems.error(member.place,
                           "token name " + in_quotes(member.name) +
                               ": expected 1 to 63 characters of a-z 0-9 . _ -, the first a letter or digit");
  }
  ObjectReader token = member.value.object();
  const ValueReader source = token.required("source");
  reading.token = config.name;
  config.source = read_source(source.object(), reading);
  reading.token.clear();
  // A file belongs to this host only.
  if (source_as<FileSourceConfig>(config.source) != nullptr) config.scope = Scope::host;
  assign(config.scope, token.at("scope").choice<Scope>({{"fleet", Scope::fleet}, {"host", Scope::host}}));
  check_seal(source, config.source, coordination);
  config.refresh = read_refresh(token.at("refresh").object());
  config.budget = read_budget(token.at("budget").object());
  config.access = read_access(token.at("access").object(), reading);
  const ValueReader lock = token.at("lock");
  const ValueReader mirror = token.at("mirror_key");
  ObjectReader lock_keys = lock.object();
  const LockTermReaders terms(lock_keys);
  config.lock = read_lock_terms(terms);
  lock_keys.finish();
  read_redis_key(mirror, config.mirror_key);
  if (config.scope == Scope::host && mirror.present()) {
    mirror.warn(" is not used: with scope host the token is not in Redis");
  }
  const std::string tag = "{" + config.name + "}";
  claim_redis_key(terms.key, {config.lock.key, tag, "token"}, coordination, reading);
  claim_redis_key(mirror, {config.mirror_key, tag, "token"}, coordination, reading);
  if (config.lock.protocol == TokenLockConfig::Protocol::getset && coordination.redlock) {
    terms.protocol.refuse(": getset is for one server; a majority needs set_nx");
  }
  assign(config.capacity, token.at("capacity").size(64, 1024 * 1024));
  config.outputs = read_outputs(token.at("outputs"), config.name, reading);
  token.finish();
  return config;
}

}  // namespace jeton::agent
