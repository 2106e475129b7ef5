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

// The users and groups of a section, which may have more keys; access_schema.cpp.
[[nodiscard]] AccessConfig read_accounts(ObjectReader& section, Reading& reading);
// A section that has only these keys: tokens.*.access, agent.admins.
[[nodiscard]] AccessConfig read_access(ObjectReader access, Reading& reading);

// The key and the protocol by which other clients know a lock, from a section that may have more keys; lock_schema.cpp.
[[nodiscard]] TokenLockConfig read_lock_terms(ObjectReader& section);
// A key of the user's own in Redis; empty if it is not one.
void read_redis_key(const ValueReader& value, std::string& out);
// Notes such a key of `path` as taken; an error at `value` if another one is, or may become, the same. A * in the key
// of a pattern of locks is any name.
void claim_redis_key(const ValueReader& value, const std::string& path, const std::string& key, Reading& reading);

// The keys of a section `tls` that every client of the agent has: the files, of a section that may have more keys;
// without finish(). tls_schema.cpp.
[[nodiscard]] ClientTlsConfig read_client_tls(ObjectReader& tls);

// A free-form part of the configuration as a JSON document: a map or a list; nothing if the key is not there.
// json_schema.cpp.
[[nodiscard]] std::optional<JsonTemplate> read_json_template(const ValueReader& value, Reading& reading);

// All keys of the configuration, with '*' for names that the user chooses: "tokens.*.source.url". Sorted.
[[nodiscard]] std::vector<std::string> schema_paths();

}  // namespace jeton::agent
