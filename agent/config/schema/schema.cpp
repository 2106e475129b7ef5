#include "agent/config/schema/schema.hpp"

#include <algorithm>

#include "agent/config/schema/reference_check.hpp"

namespace jeton::agent {

namespace {

constexpr std::uint64_t schema_version = 1;
constexpr std::size_t max_runtime_dir = 90;  // /agent.sock has to fit into the 107 bytes of a socket address

void read_version(const ValueReader& value) {
  const auto version = value.integer(0, 1'000'000);
  if (version && *version != schema_version) {
    value.error("this agent does not know version " + std::to_string(*version) + "; it reads version 1");
  }
}

void read_directory(const ValueReader& value, std::filesystem::path& out) {
  const auto text = value.text();
  if (!text) return;
  const std::filesystem::path path = std::filesystem::path(*text).lexically_normal();
  const bool climbs = std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
  if (!path.is_absolute() || climbs || path == path.root_path()) {
    value.refuse(": expected an absolute path of a directory; got " + in_quotes(*text));
  } else {
    out = path.has_filename() ? path : path.parent_path();  // without a trailing slash
  }
}

void read_http(ObjectReader http, AgentConfig& config) {
  assign(config.connections_per_host, http.at("connections_per_host").integer(1, 256));
  http.finish();
}

LogConfig read_log(ObjectReader log) {
  LogConfig config;
  assign(config.level, log.at("level").choice<log::Level>({{"trace", log::Level::trace},
                                                           {"debug", log::Level::debug},
                                                           {"info", log::Level::info},
                                                           {"warning", log::Level::warning},
                                                           {"error", log::Level::error}}));
  assign(config.format, log.at("format").choice<log::Format>({{"auto", log::Format::automatic},
                                                              {"text", log::Format::text},
                                                              {"json", log::Format::json},
                                                              {"journal", log::Format::journal}}));
  log.finish();
  return config;
}

AgentConfig read_agent(ObjectReader agent, Reading& reading) {
  AgentConfig config;
  const auto policy = [](const ValueReader& value) {
    return value.choice<Policy>({{"warn", Policy::warn}, {"refuse", Policy::refuse}});
  };
  const ValueReader runtime_dir = agent.at("runtime_dir");
  read_directory(runtime_dir, config.runtime_dir);
  if (config.runtime_dir.native().size() > max_runtime_dir) {
    runtime_dir.refuse(" is longer than 90 bytes; the agent's socket in it would have no valid address");
  }
  read_directory(agent.at("state_dir"), config.state_dir);
  config.log = read_log(agent.at("log").object());
  read_http(agent.at("http").object(), config);
  assign(config.memory_lock, policy(agent.at("memory_lock")));
  assign(config.disk_backed, policy(agent.at("disk_backed")));
  config.admins = read_access(agent.at("admins").object(), reading);
  assign(config.core_dumps, agent.at("core_dumps").boolean());
  const ValueReader listen = agent.at("listen");
  if (const auto text = listen.text()) config.listen = listen.parsed(*text, ListenAddress::parse);
  agent.finish();
  return config;
}

void warn_of_unused_seal(const ValueReader& seal, const Config& config) {
  if (!seal.present() || config.coordination.backend != CoordinationConfig::Backend::local) return;
  const bool used = std::any_of(config.tokens.begin(), config.tokens.end(),
                                [](const auto& token) { return keeps_state(token.second.source); });
  if (!used) seal.warning("coordination.seal is not used: with backend local no token leaves this host");
}

}  // namespace

Config read_config(const Node& document, Reading& reading) {
  Config config;
  const Place top{document.place.file, 1, 1};
  ObjectReader root = ValueReader(reading, &document, "", top).object();
  read_version(root.required("version"));
  config.agent = read_agent(root.at("agent").object(), reading);
  config.coordination = read_coordination(root.at("coordination").object());
  const ValueReader tokens = root.at("tokens");
  for (const Member& member : tokens.members()) {
    config.tokens.emplace(member.name, read_token(member, config.coordination, reading));
  }
  check_chains(reading.secrets, config.tokens, reading.problems);
  check_outputs(reading.outputs, config, reading.problems);
  warn_of_unused_seal(root.at("coordination").object().at("seal"), config);
  const std::vector<Member> locks = root.at("locks").members();
  check_lock_patterns(locks, reading.problems);
  for (const Member& member : locks) {
    config.locks.emplace(member.name, read_lock_rule(member, config.coordination, reading));
  }
  if (config.tokens.empty() && config.locks.empty() && !reading.problems.has_errors()) {
    tokens.warning("no token is configured; the agent has nothing to do");
  }
  root.finish();
  return config;
}

std::vector<std::string> schema_paths() {
  Problems ignored;
  std::vector<std::string> paths;
  Reading reading{.problems = ignored, .paths = &paths};
  Node empty;
  (void)read_config(empty, reading);
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace jeton::agent
