// The schema: every key of the configuration, its type, range and default, in code that reads it (config/agent.yaml
// says the same to people; a test holds the two together).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::agent {

// The whole document. Good for use only if `reading` has no error.
[[nodiscard]] Config read_config(const Node& document, Reading& reading);

// All keys of the configuration, with '*' for names that the user chooses: "tokens.*.source.url". Sorted.
[[nodiscard]] std::vector<std::string> schema_paths();

// coordination; coordination_schema.cpp.
[[nodiscard]] CoordinationConfig read_coordination(ObjectReader coordination);

// One token; token_schema.cpp.
[[nodiscard]] TokenConfig read_token(const Member& member, const CoordinationConfig& coordination, Reading& reading);

// The outputs of one token; output_schema.cpp.
[[nodiscard]] std::vector<OutputConfig> read_outputs(const ValueReader& outputs, const std::string& token,
                                                     Reading& reading);
// Checks each output against all that was read: its path is no other's and not in a directory of the agent's own, and
// the tokens that it names exist.
void check_outputs(const std::vector<OutputReference>& references, const Config& config, Problems& problems);

// One pattern of locks; lock_schema.cpp.
[[nodiscard]] LockRuleConfig read_lock_rule(const Member& member, const CoordinationConfig& coordination,
                                            Reading& reading);
// Two equally specific patterns must not match the same name.
void check_lock_patterns(const std::vector<Member>& locks, Problems& problems);

// The key and the protocol by which other clients know a lock, in a section that may have more keys; lock_schema.cpp.
struct LockTermReaders {
  explicit LockTermReaders(ObjectReader& section);
  ValueReader key;
  ValueReader protocol;
};
[[nodiscard]] TokenLockConfig read_lock_terms(const LockTermReaders& terms);
// A key of the user's own in Redis; empty if it is not one.
void read_redis_key(const ValueReader& value, std::string& out);
// Such a key.
struct RedisKey {
  std::string key;    // a * in the key of a pattern of locks is any name
  std::string tag;    // {NAME}: in a Cluster it makes the slot of the key
  const char* owner;  // "token" or "lock"
};
// Checks the key, if it is set, and notes it as taken. An error at `value`, which names it, if it does not suit the
// coordination, or if another key is, or may become, the same.
void claim_redis_key(const ValueReader& value, const RedisKey& claimed, const CoordinationConfig& coordination,
                     Reading& reading);

// The common parts of several sections; common_schema.cpp.

// The users and groups of a section, which may have more keys.
[[nodiscard]] AccessConfig read_accounts(ObjectReader& section, Reading& reading);
// A section that has only these keys: tokens.*.access, agent.admins.
[[nodiscard]] AccessConfig read_access(ObjectReader access, Reading& reading);

// The keys of a section `tls` that every client of the agent has: the files, of a section that may have more keys;
// without finish().
[[nodiscard]] ClientTlsConfig read_client_tls(ObjectReader& tls);

// A program and its arguments, without a shell. Unlike in a list of names, an argument may be repeated, be empty or
// have blanks. Empty, and a problem, if it is no command or its program cannot be executed. `remedy`: what to do with
// a secret, which may not be an argument.
[[nodiscard]] std::vector<std::string> read_command(const ValueReader& value, const std::string& remedy,
                                                    Reading& reading);

// A free-form part of the configuration as a JSON document: a map or a list; nothing if the key is not there.
[[nodiscard]] std::optional<JsonTemplate> read_json_template(const ValueReader& value, Reading& reading);

}  // namespace jeton::agent
