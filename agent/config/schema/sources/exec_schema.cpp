// tokens.NAME.source of type exec.
#include <chrono>

#include "agent/config/schema/command_schema.hpp"
#include "agent/config/schema/sources/request_schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/secrets/environment_file.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;
using ExecFormat = ExecSourceConfig::Format;

}  // namespace

ExecSourceConfig read_exec_source(ObjectReader& source, Reading& reading) {
  ExecSourceConfig config;
  config.command = read_command(source.required("command"), "put the secret into source.env", reading);
  assign(config.format, source.at("format").choice<ExecFormat>({{"json", ExecFormat::json},
                                                                {"text", ExecFormat::text},
                                                                {"kubernetes", ExecFormat::kubernetes},
                                                                {"aws", ExecFormat::aws}}));
  const ValueReader env = source.at("env");
  config.env = read_fields(env);
  for (const auto& [name, value] : config.env) {
    if (reading.paths == nullptr && !is_environment_name(name))
      env.error(env.path() + ": " + in_quotes(name) + " is not a name of an environment variable");
  }
  const ValueReader directory = source.at("working_directory");
  if (auto path = directory.text()) {
    if (!path->starts_with('/')) {
      directory.error(directory.path() + " must be an absolute path");
    } else if (const std::string why = why_not_executable(*path); !why.empty()) {
      directory.error(directory.path() + ": " + why);
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
  if (config.format != ExecFormat::json && config.response != plain) {
    response.error(
        response.path() +
        ": the format defines where the values are; only default_lifetime, max_body and rules for statuses may "
        "be set with it");
  }
  return config;
}

}  // namespace jeton::agent
