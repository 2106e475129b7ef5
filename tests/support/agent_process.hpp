// A real jeton-agent in a runtime directory of its own, and the requests of a test to it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

// The settings that vary between the agents of the tests; the YAML is made from them.
struct AgentSettings {
  std::string redis_url{};  // this or `redis`; both empty: coordination local
  std::string redis{};      // YAML flow mapping of coordination.redis
  std::string token_url{};
  std::vector<std::string> redlock_urls{};  // not empty: coordination redlock over these
  std::string redlock_timeout = "300ms";
  std::string refresh = "{}";        // YAML flow mapping of tokens.api.refresh
  std::string source_extra{};        // further lines of tokens.api.source, indented by 6
  std::string token_extra{};         // further lines of tokens.api, indented by 4
  std::string agent_extra{};         // further lines of agent, indented by 2
  std::string coordination_extra{};  // further lines of coordination, indented by 2
  std::string lock_ttl = "10s";
  std::string log_level = "trace";  // so that a secret in any log line is found
};

class AgentProcess {
 public:
  explicit AgentProcess(AgentSettings settings, ProcessOptions options = {});

  // Starts the process; returns when the local API answers. Throws with the agent's log if it ends instead.
  void start() {
    launch();
    await();
  }
  // The two halves of start(), for agents that are to start at the same time.
  void launch();
  void await();
  void kill() { process_->kill(); }
  void signal(int number) const { process_->signal(number); }
  // Sends SIGTERM; returns the exit status.
  int stop();
  [[nodiscard]] bool running() { return process_ && process_->running(); }
  int wait() { return process_->wait(); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }

  [[nodiscard]] std::filesystem::path runtime_dir() const { return dir_ / "run"; }
  [[nodiscard]] std::filesystem::path segment() const { return runtime_dir() / "segments" / "api"; }
  [[nodiscard]] std::filesystem::path config_file() const { return dir_ / "agent.yaml"; }
  [[nodiscard]] const AgentSettings& settings() const { return settings_; }
  void configure(AgentSettings settings);
  void write_config(const std::string& yaml) const { dir_.write("agent.yaml", yaml); }

  // GET /v1/tokens/NAME; null if the agent does not answer.
  [[nodiscard]] nlohmann::json token(const std::string& name = "api") const;
  [[nodiscard]] bool valid(const std::string& name = "api") const;
  [[nodiscard]] std::uint64_t generation() const;
  // The status of any GET.
  [[nodiscard]] int get(const std::string& target) const;
  // The log of all runs of this agent. A line may come after the event that it reports: the log has a queue.
  [[nodiscard]] std::string log() const;
  // Waits for the text.
  [[nodiscard]] bool logs(const std::string& text) const;

 private:
  AgentSettings settings_;
  ProcessOptions options_;
  TempDir dir_;
  std::unique_ptr<Process> process_;
  std::string earlier_log_;
};

[[nodiscard]] std::string agent_yaml(const AgentSettings& settings, const std::filesystem::path& runtime_dir);

}  // namespace jeton::test
