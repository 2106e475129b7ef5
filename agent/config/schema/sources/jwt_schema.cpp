// tokens.NAME.source of type jwt.
#include <algorithm>
#include <chrono>

#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

bool whole_seconds(Milliseconds duration) { return duration % 1s == 0ms; }

// A map; a key that the agent sets itself is an error.
JsonTemplate::Object read_members(const ValueReader& value, Reading& reading, const std::vector<std::string>& taken) {
  const auto json = read_json_template(value, reading);
  if (!json) return {};
  const auto* object = std::get_if<JsonTemplate::Object>(&json->value());
  if (object == nullptr) {
    value.error(value.path() + ": expected a map of keys; got a list");
    return {};
  }
  for (const auto& [name, member] : *object) {
    if (std::find(taken.begin(), taken.end(), name) == taken.end()) continue;
    value.error(value.path() + "." + name +
                " is set by the agent itself (source.algorithm, source.key_id, source.set)");
  }
  return *object;
}

}  // namespace

JwtSourceConfig read_jwt_source(ObjectReader& source, Reading& reading) {
  JwtSourceConfig config;
  const auto algorithm = source.required("algorithm").choice<JwtAlgorithm>(jwt_algorithms);
  assign(config.algorithm, algorithm);
  const ValueReader key = source.required("key");
  assign(config.key, key.secret());
  if (algorithm && !config.key.empty()) check_signing_key(key, config.key, *algorithm);
  assign(config.key_id, source.at("key_id").text());

  const ValueReader set = source.at("set");
  const std::vector<std::string> wanted = set.list();
  std::vector<std::string> taken{"iat", "exp", "jti"};
  for (const std::string& name : wanted) {
    if (std::find(taken.begin(), taken.end(), name) == taken.end())
      set.error(set.path() + ": the agent sets iat, exp and jti; put " + in_quotes(name) + " into source.claims");
  }
  if (set.present()) taken = wanted;
  const auto sets = [&](const char* name) { return std::find(taken.begin(), taken.end(), name) != taken.end(); };
  config.issued_at = sets("iat");
  config.expires_at = sets("exp");
  config.token_id = sets("jti");

  config.header = read_members(source.at("header"), reading, {"alg", "kid"});
  config.claims = read_members(source.at("claims"), reading, taken);
  const ValueReader lifetime = source.required("lifetime");
  assign(config.lifetime, lifetime.duration(1s, 366 * 24h));
  const ValueReader backdate = source.at("backdate");
  assign(config.backdate, backdate.duration(0s, 1h));
  for (const auto& [value, duration] : {std::pair(&lifetime, config.lifetime), std::pair(&backdate, config.backdate)}) {
    if (!whole_seconds(duration)) value->error(value->path() + ": times in a JWT are whole seconds");
  }
  return config;
}

}  // namespace jeton::agent
