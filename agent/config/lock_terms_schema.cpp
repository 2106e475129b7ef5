// key and protocol of a lock that other clients of the same Redis take, too: tokens.*.lock, locks.*.
#include "agent/config/schema.hpp"

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
