// key and protocol of a lock that other clients of the same Redis take, too: tokens.*.lock, locks.*.
#include "agent/config/model/lock_names.hpp"
#include "agent/config/schema/schema.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t max_key = 512;

}  // namespace

void read_redis_key(const ValueReader& value, std::string& out) {
  const auto text = value.text();
  if (!text) return;
  if (text->size() > max_key) {
    value.error(value.path() + " is longer than " + std::to_string(max_key) + " bytes");
  } else {
    out = *text;
  }
}

void claim_redis_key(const ValueReader& value, const std::string& path, const std::string& key, Reading& reading) {
  for (const auto& [other, owner] : reading.redis_keys) {
    if (other == key) {
      value.error(path + ": " + in_quotes(key) + " is already the key of " + owner);
      return;
    }
    if (matches_lock_pattern(other, key) || matches_lock_pattern(key, other)) {
      value.error(path + ": " + in_quotes(key) + " may be the same key as " + in_quotes(other) + " of " + owner +
                  "; each lock and mirror needs a key of its own");
      return;
    }
  }
  reading.redis_keys.emplace(key, path);
}

TokenLockConfig read_lock_terms(ObjectReader& section) {
  using Protocol = TokenLockConfig::Protocol;
  TokenLockConfig config;
  const ValueReader key = section.at("key");
  read_redis_key(key, config.key);
  const ValueReader protocol = section.at("protocol");
  assign(config.protocol, protocol.choice<Protocol>({{"set_nx", Protocol::set_nx}, {"getset", Protocol::getset}}));
  if (config.protocol == Protocol::getset && config.key.empty()) {
    protocol.error(protocol.path() + " getset needs the key that the other clients use: set " + key.path());
  }
  return config;
}

}  // namespace jeton::agent
