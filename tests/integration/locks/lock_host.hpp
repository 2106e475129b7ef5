// LockHost: one host of a fleet: a real agent with rules about locks, and jetonctl beside it. The logic of locks is
// tested in tests/virtual/locks.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/lock_agent.hpp"
#include "tests/support/redis_proxy.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {

using Json = nlohmann::json;

inline constexpr const char* rules_for_jobs = "locks: {\"job*\": {max_ttl: 24h}}\n";

class LockHost : public LockAgent {
 public:
  explicit LockHost(std::string coordination = coordination_on({}), const std::string& rules = rules_for_jobs)
      : LockAgent(std::move(coordination), rules) {}

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{JETONCTL, "--dir", runtime_dir(), "lock"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
  }
  [[nodiscard]] RunResult lock(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    return run(command(std::move(arguments)), std::move(options));
  }
  // In the background.
  [[nodiscard]] std::unique_ptr<Process> start(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    return std::make_unique<Process>(command(std::move(arguments)), std::move(options));
  }

  // The output of acquire; null if it did not succeed.
  [[nodiscard]] Json acquire(const std::string& name, const std::string& ttl,
                             std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"acquire", name, "--ttl", ttl};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult result = lock(words);
    return result.status == 0 ? Json::parse(result.out) : Json();
  }
  [[nodiscard]] int release(const std::string& name, const Json& acquired) const {
    return lock({"release", name, "--owner", acquired["owner"].get<std::string>()}).status;
  }
  [[nodiscard]] int extend(const std::string& name, const Json& acquired, const std::string& ttl) const {
    return lock({"extend", name, "--owner", acquired["owner"].get<std::string>(), "--ttl", ttl}).status;
  }
  // So many requests wait at the agent for a lock.
  [[nodiscard]] bool waiting(std::size_t requests) const {
    return eventually([&] {
      const auto status = unix_http_get(runtime_dir() / "agent.sock", "/v1/status");
      return status.status == 200 && Json::parse(status.body).at("locks").at("waiting") == requests;
    });
  }
  // Null if the agent does not say.
  [[nodiscard]] Json show(const std::string& name) const {
    const RunResult result = lock({"show", name, "--format", "json"});
    return result.status == 0 ? Json::parse(result.out) : Json();
  }
  [[nodiscard]] bool held(const std::string& name) const {
    const Json shown = show(name);
    return shown.is_object() && shown["held"].get<bool>();
  }
  [[nodiscard]] bool free(const std::string& name) const {
    const Json shown = show(name);
    return shown.is_object() && !shown["held"].get<bool>();
  }
};

// One host whose locks are its own: for tests of processes, which need no particular backend.
class LocalHost : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }
  LockHost host;
};

// On one Redis, behind a proxy that can break.
class HostOnRedis : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }
  // The lock is free, and can be taken.
  [[nodiscard]] static bool can_be_had(const LockHost& at) {
    return at.lock({"run", "job", "--wait", "60s", "--", "true"}).status == 0;
  }
  [[nodiscard]] std::string value() const { return redis.cli({"GET", key}); }
  // jetonctl with the lock; its command has begun. Redis has the lock before jetonctl knows of it.
  [[nodiscard]] std::unique_ptr<Process> hold(const std::string& ttl) const {
    auto job = host.start({"run", "job", "--ttl", ttl, "--", "sh", "-c", "echo begun; exec sleep 1000"});
    EXPECT_TRUE(eventually([&] { return job->out() == "begun\n"; })) << job->err();
    return job;
  }

  static constexpr const char* key = "jeton:lock:{job}";
  RedisServer redis;
  RedisProxy proxy{redis.port()};
  LockHost host{coordination_on({proxy.url()})};
};

}  // namespace jeton::test
