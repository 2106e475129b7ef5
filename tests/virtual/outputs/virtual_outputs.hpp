// The outputs of an agent in virtual time: the production code with real files, over tokens that the test writes and
// hooks that it counts.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook_runner.hpp"
#include "agent/outputs/outputs.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_loop.hpp"
#include "tests/unit/outputs/output_records.hpp"

namespace jeton::test {

using namespace std::chrono_literals;

// On the loop's own thread, after a delay.
struct CallsInPlace final : agent::BlockingCalls {
  explicit CallsInPlace(agent::Timers& t) : timers(t) {}
  agent::Task<> run(std::string what, std::function<void()> work) override {
    made.push_back(what);
    const agent::Duration delay = delays[what];
    if (delay > agent::Duration::zero()) co_await agent::sleep_for(timers, delay);
    if (instead[what]) work = instead[what];
    work();
  }

  agent::Timers& timers;
  std::vector<std::string> made;
  std::map<std::string, agent::Duration> delays;
  std::map<std::string, std::function<void()>> instead;  // what happens; empty: the call
};

struct CountedHooks final : agent::HookRunner {
  explicit CountedHooks(agent::Timers& t) : timers(t) {}
  agent::Task<> run(agent::HookConfig hook, agent::SecretsOfHook secrets) override {
    at.push_back(timers.clock().boot_now());
    descriptions.push_back(agent::description_of(hook));
    known_secrets = secrets ? std::optional(secrets().size()) : std::nullopt;
    if (duration > agent::Duration::zero()) co_await agent::sleep_for(timers, duration);
    if (!failure.empty()) throw agent::Error(failure);
  }

  agent::Timers& timers;
  std::vector<agent::BootTime> at;  // the starts of the runs
  std::vector<std::string> descriptions;
  std::optional<std::size_t> known_secrets;
  agent::Duration duration{0};
  std::string failure;  // of every run; empty: they go well
};

class VirtualOutputs : public testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override { stop(); }
  void start() {
    outputs.emplace(agent::Outputs::Parts{loop.timers, loop.random, calls, hooks, tokens, changed, dir.path() / "run"});
    std::filesystem::create_directories(dir.path() / "run");
    outputs->configure(config);
    settle();
  }
  void stop() {
    if (outputs) loop.run(outputs->stop());
    outputs.reset();
  }
  void configure() {
    outputs->configure(config);
    settle();
  }
  // What happens at this moment.
  void settle() { loop.pass(1ms); }

  // An output of the token; `content` is a template.
  agent::OutputConfig& add(const std::string& token, const std::string& name,
                           const std::string& content = "{{ value }}") {
    agent::OutputConfig output;
    output.path = dir / name;
    output.content = agent::OutputTemplate::parse(content);
    config[token].name = token;
    config[token].outputs.push_back(std::move(output));
    return config[token].outputs.back();
  }
  static agent::HookConfig hook(const std::string& unit, agent::Milliseconds min_interval = 10s) {
    agent::HookConfig made;
    made.action = agent::ReloadHook{unit};
    made.min_interval = min_interval;
    return made;
  }
  void renew(const std::string& token, const std::string& value, agent::Milliseconds lifetime = 1h) {
    tokens.renew(token, value, lifetime);
    outputs->token_changed(token);
    settle();
  }
  // "none" if there is no file.
  [[nodiscard]] std::string content(const std::string& name) const {
    return std::filesystem::exists(dir / name) ? read_file(dir / name) : "none";
  }
  [[nodiscard]] ino_t inode(const std::string& name) const {
    struct stat found {};
    return ::stat((dir / name).c_str(), &found) == 0 ? found.st_ino : 0;
  }
  [[nodiscard]] agent::OutputStatus status(const std::string& token = "api") const {
    return outputs->status(token).at(0);
  }

  using State = agent::OutputStatus::State;

  TempDir dir;
  VirtualLoop loop;
  KnownRecords tokens{loop.clock};
  CallsInPlace calls{loop.timers};
  CountedHooks hooks{loop.timers};
  agent::Event changed{loop.timers};
  std::map<std::string, agent::TokenConfig> config;
  std::optional<agent::Outputs> outputs;
};

}  // namespace jeton::test
