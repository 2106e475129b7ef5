#include "agent/fleet/redis/redis_keys.hpp"

namespace jeton::agent {

RedisKeys::RedisKeys(const std::string& prefix, const std::string& of, int database, const TokenTerms& terms)
    : name(of),
      mirror(terms.mirror_key),
      protocol(terms.lock.protocol == TokenLockConfig::Protocol::getset ? "getset" : "set_nx") {
  const std::string stem = prefix + ":{" + name + "}:";
  lock = terms.lock.key.empty() ? stem + "updater" : terms.lock.key;
  token = stem + "token";
  fence = stem + "fence";
  pause = stem + "pause";
  budget = stem + "budget";
  channel = stem + "published" + (database == 0 ? "" : ":" + std::to_string(database));
}

RedisKeys RedisKeys::of_lock(const std::string& prefix, const std::string& name, int database,
                             const TokenLockConfig& terms) {
  RedisKeys keys(prefix, name, database, {terms, {}});
  const std::string stem = prefix + ":lock:{" + name + "}";
  if (terms.key.empty()) keys.lock = stem;
  keys.fence = stem + ":fence";
  keys.info = stem + ":info";
  keys.channel = stem + ":released" + (database == 0 ? "" : ":" + std::to_string(database));
  for (std::string* none : {&keys.token, &keys.pause, &keys.budget}) none->clear();
  return keys;
}

}  // namespace jeton::agent
