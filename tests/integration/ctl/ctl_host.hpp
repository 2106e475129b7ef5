// CtlHost: a runtime directory as jetonctl finds it: real segments, written by the agent's own code, and, if the test
// wants one, a real ApiServer. jetonctl runs as a process.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/segment/runtime_dir.hpp"
#include "agent/segment/segment_store.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/api_host.hpp"

namespace jeton::test {

class CtlHost {
 public:
  CtlHost() { segments_.emplace(dir_.path(), agent::Policy::warn); }

  // The segment of a token, without a record yet.
  agent::SegmentStore& add(const std::string& name, agent::AccessConfig access = {}, std::size_t capacity = 8192) {
    const agent::SegmentOptions options{name, capacity, std::move(access), agent::Policy::warn};
    return stores_.emplace_back(*segments_, options, now());
  }
  [[nodiscard]] static agent::Record record(agent::Generation generation,
                                            agent::Duration lifetime = std::chrono::hours(2),
                                            const std::string& value = "s3cret") {
    agent::Record record;
    record.generation = generation;
    record.value = agent::SecretString(value);
    record.type = "Bearer";
    record.issued_at = now() - std::chrono::minutes(1);
    record.expires_at = now() + agent::to_ms(lifetime);
    record.fetched_by = "host-2";
    return record;
  }
  void publish(agent::SegmentStore& store, const agent::Record& record) { store.publish(record, now()); }

  // From here on the agent answers.
  ApiHost& start_agent() { return api_.emplace(patient_limits(), dir_.path()); }
  void stop_agent() { api_.reset(); }
  // The agent's process ends; its segments stay.
  void end_writer() {
    stores_.clear();
    segments_.reset();
  }
  void begin_writer() { segments_.emplace(dir_.path(), agent::Policy::warn); }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{JETONCTL, "--dir", dir_.path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
  }
  [[nodiscard]] RunResult ctl(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    return run(command(std::move(arguments)), std::move(options));
  }
  [[nodiscard]] static bool waits(const Process& ctl) {
    return eventually([&] { return ctl.sleeps_as("jetonctl"); });
  }
  // The command line through a shell, "$@" standing for jetonctl and the arguments.
  [[nodiscard]] RunResult shell(const std::string& script, std::vector<std::string> arguments,
                                ProcessOptions options = {}) const {
    std::vector<std::string> argv{"sh", "-c", script, "sh"};
    for (std::string& word : command(std::move(arguments))) argv.push_back(std::move(word));
    return run(std::move(argv), std::move(options));
  }
  [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }

 private:
  static agent::WallTime now() { return agent::SystemClock().wall_now(); }

  TempDir dir_;
  std::optional<agent::RuntimeDir> segments_;
  std::list<agent::SegmentStore> stores_;
  std::optional<ApiHost> api_;
};

}  // namespace jeton::test
