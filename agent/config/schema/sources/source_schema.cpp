// tokens.NAME.source: which type it is of, and so which keys it has; and the types exec, file and jwt.
#include "agent/config/schema/sources/source_schema.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/secrets/environment_file.hpp"
#include "agent/config/secrets/secret_file.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

enum class Type { exec, file, http, jwt, oauth2 };

ExecSourceConfig read_exec_source(ObjectReader& source, Reading& reading) {
  using Format = ExecSourceConfig::Format;
  ExecSourceConfig config;
  config.command = read_command(source.required("command"), "put the secret into source.env", reading);
  assign(
      config.format,
      source.at("format").choice<Format>(
          {{"json", Format::json}, {"text", Format::text}, {"kubernetes", Format::kubernetes}, {"aws", Format::aws}}));
  const ValueReader env = source.at("env");
  config.env = read_fields(env);
  for (const auto& [name, value] : config.env) {
    if (reading.paths == nullptr && !is_environment_name(name)) {
      env.refuse(": " + in_quotes(name) + " is not a name of an environment variable");
    }
  }
  const ValueReader directory = source.at("working_directory");
  if (auto path = directory.text()) {
    if (!path->starts_with('/')) {
      directory.refuse(" must be an absolute path");
    } else if (const std::string why = why_inaccessible(*path, X_OK); !why.empty()) {
      directory.refuse(": " + why);
    }
    config.working_directory = *path;
  }
  assign(config.timeout, source.at("timeout").duration(10ms, 5min));
  const ValueReader response = source.at("response");
  config.response = read_response(response.object());
  ResponseConfig plain;
  plain.default_lifetime = config.response.default_lifetime;
  plain.max_body = config.response.max_body;
  plain.error_rules.permanent_status = config.response.error_rules.permanent_status;
  plain.error_rules.transient_status = config.response.error_rules.transient_status;
  if (config.format != Format::json && config.response != plain) {
    response.refuse(
        ": the format defines where the values are; only default_lifetime, max_body and rules for statuses may be set "
        "with it");
  }
  return config;
}

// It need not be there yet.
std::optional<std::filesystem::path> read_path(const ValueReader& value) {
  const auto path = value.text();
  if (!path) return std::nullopt;
  if (!path->starts_with('/') || path->ends_with('/')) return value.refuse(" must be the absolute path of a file");
  if (const std::string hidden = why_hidden(*path); !hidden.empty()) value.refuse(": " + hidden);
  if (const auto status = bounded_stat(*path)) {
    if (!S_ISREG(status->st_mode)) {
      value.refuse(": " + *path + " is not a regular file");
    } else if ((status->st_mode & S_IROTH) != 0) {
      value.warning(*path + " can be read by every user; let its writer set mode 0600 or 0640");
    }
  }
  return *path;
}

FileSourceConfig read_file_source(ObjectReader& source) {
  using Format = FileSourceConfig::Format;
  FileSourceConfig config;
  assign(config.path, read_path(source.required("path")));
  assign(config.format, source.at("format").choice<Format>({{"text", Format::text}, {"json", Format::json}}));
  const ValueReader lifetime = source.at("lifetime");
  config.lifetime = lifetime.duration(1s, 366 * 24h);
  const ValueReader response = source.at("response");
  config.response = read_response(response.object());
  if (config.format == Format::text && response.present()) {
    response.refuse(" is for format json; a text is the token itself");
  }
  if (config.format == Format::json && lifetime.present()) {
    lifetime.refuse(" is for format text; set response.default_lifetime");
  }
  return config;
}

// A map; a key that the agent sets itself is an error.
JsonTemplate::Object read_members(const ValueReader& value, Reading& reading, const std::vector<std::string>& taken) {
  const auto json = read_json_template(value, reading);
  if (!json) return {};
  const auto* object = std::get_if<JsonTemplate::Object>(&json->value());
  if (object == nullptr) {
    value.refuse(": expected a map of keys; got a list");
    return {};
  }
  for (const auto& [name, member] : *object) {
    if (!lists(taken, name)) continue;
    value.refuse("." + name + " is set by the agent itself (source.algorithm, source.key_id, source.set)");
  }
  return *object;
}

JwtSourceConfig read_jwt_source(ObjectReader& source, Reading& reading) {
  JwtSourceConfig config;
  const auto algorithm = source.required("algorithm").choice<JwtAlgorithm>(jwt_algorithms);
  assign(config.algorithm, algorithm);
  const ValueReader key = source.required("key");
  assign(config.key, key.filled_secret());
  if (algorithm && !config.key.empty()) check_signing_key(key, config.key, *algorithm);
  assign(config.key_id, source.at("key_id").text());

  const ValueReader set = source.at("set");
  const std::vector<std::string> wanted = set.list();
  std::vector<std::string> taken{"iat", "exp", "jti"};
  for (const std::string& name : wanted) {
    if (lists(taken, name)) continue;
    set.refuse(": the agent sets iat, exp and jti; put " + in_quotes(name) + " into source.claims");
  }
  if (set.present()) taken = wanted;
  config.issued_at = lists(taken, "iat");
  config.expires_at = lists(taken, "exp");
  config.token_id = lists(taken, "jti");

  config.header = read_members(source.at("header"), reading, {"alg", "kid"});
  config.claims = read_members(source.at("claims"), reading, taken);
  const ValueReader lifetime = source.required("lifetime");
  assign(config.lifetime, lifetime.duration(1s, 366 * 24h));
  const ValueReader backdate = source.at("backdate");
  assign(config.backdate, backdate.duration(0s, 1h));
  for (const auto& [value, duration] : {std::pair(&lifetime, config.lifetime), std::pair(&backdate, config.backdate)}) {
    if (duration % 1s != 0ms) value->refuse(": times in a JWT are whole seconds");
  }
  return config;
}

}  // namespace

SourceConfig read_source(ObjectReader source, Reading& reading) {
  const auto type = source.required("type").choice<Type>(
      {{"exec", Type::exec}, {"file", Type::file}, {"http", Type::http}, {"jwt", Type::jwt}, {"oauth2", Type::oauth2}});
  // While the schema is listed every type is asked for its keys.
  const bool every = reading.paths != nullptr;
  SourceConfig config;
  if (every || type == Type::exec) config = read_exec_source(source, reading);
  if (every || type == Type::file) config = read_file_source(source);
  if (every || type == Type::jwt) config = read_jwt_source(source, reading);
  if (every || type == Type::oauth2) config = read_oauth2_source(source, reading);
  if (every || type == Type::http) config = read_http_source(source, reading);
  // An unknown type is reported already; no schema knows its keys.
  if (type) source.finish();
  return config;
}

SecretTemplate read_key(const ValueReader& value, std::optional<SecretTemplate> key) {
  if (key && !key->empty() && !key->has_reference()) {
    value.warn(" is a literal secret; put it into a file of mode 0600 and write ${file:PATH}");
  }
  return std::move(key).value_or(SecretTemplate());
}

std::optional<SecretString> resolved_now(const SecretTemplate& text) {
  try {
    return text.resolve();
  } catch (const Error&) {
    return std::nullopt;
  }
}

void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm) {
  const auto secret = resolved_now(key);
  if (!secret) return;
  try {
    const JwtSigner signer(algorithm, *secret);
  } catch (const Error& e) {
    value.refuse(e);
  }
}

}  // namespace jeton::agent
