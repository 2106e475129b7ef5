#include "tests/support/agent_process.hpp"

#include <signal.h>

#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {

std::string agent_yaml(const AgentSettings& settings, const std::filesystem::path& runtime_dir) {
  std::string yaml = "version: 1\nagent:\n  runtime_dir: " + runtime_dir.string() +
                     "\n  log: {level: " + settings.log_level + ", format: text}\n" + settings.agent_extra +
                     "coordination:\n";
  if (!settings.redlock_urls.empty()) {
    yaml += "  backend: redlock\n  redlock:\n    timeout: " + settings.redlock_timeout + "\n    endpoints:\n";
    for (const std::string& url : settings.redlock_urls) yaml += "      - '" + url + "'\n";
  } else if (!settings.redis.empty()) {
    yaml += "  backend: redis\n  redis: " + settings.redis + "\n";
  } else if (!settings.redis_url.empty()) {
    yaml += "  backend: redis\n  redis: {endpoint: '" + settings.redis_url + "', timeout: 500ms}\n";
  } else {
    yaml += "  backend: local\n";
  }
  yaml += "  lock: {ttl: " + settings.lock_ttl + "}\n" + settings.coordination_extra;
  yaml += "tokens:\n  api:\n    source:\n      type: http\n      url: " + settings.token_url + "\n" +
          settings.source_extra + "    refresh: " + settings.refresh + "\n" + settings.token_extra;
  return yaml;
}

AgentProcess::AgentProcess(AgentSettings settings, ProcessOptions options) : options_(std::move(options)) {
  configure(std::move(settings));
}

void AgentProcess::configure(AgentSettings settings) {
  settings_ = std::move(settings);
  write_config(agent_yaml(settings_, runtime_dir()));
}

void AgentProcess::launch() {
  if (process_) earlier_log_ += process_->err();
  process_ = std::make_unique<Process>(
      std::vector<std::string>{JETON_AGENT_BINARY, "run", "--config", config_file().string()}, options_);
}

void AgentProcess::await() {
  const bool up = eventually([this] { return !process_->running() || get("/live") == 200; });
  if (!up || !process_->running()) throw std::runtime_error("the agent does not start: " + log());
}

int AgentProcess::stop() {
  signal(SIGTERM);
  return process_->wait();
}

nlohmann::json AgentProcess::token(const std::string& name) const {
  const auto answer = unix_http_get(runtime_dir() / "agent.sock", "/v1/tokens/" + name);
  if (answer.status != 200) return nullptr;
  return nlohmann::json::parse(answer.body);
}

bool AgentProcess::valid(const std::string& name) const {
  const auto status = token(name);
  return status.is_object() && status.value("state", "") == "valid";
}

std::uint64_t AgentProcess::generation() const {
  const auto status = token();
  return status.is_object() ? status.value("generation", std::uint64_t{0}) : 0;
}

int AgentProcess::get(const std::string& target) const {
  return unix_http_get(runtime_dir() / "agent.sock", target).status;
}

std::string AgentProcess::log() const { return earlier_log_ + (process_ ? process_->err() : ""); }

bool AgentProcess::logs(const std::string& text) const {
  return eventually([&] { return log().find(text) != std::string::npos; });
}

}  // namespace jeton::test
