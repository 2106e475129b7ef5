// LockHost: one host of a fleet: a real agent with rules about locks, and jetonctl beside it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

using Json = nlohmann::json;

// "coordination:" and what stands under it, for one Redis.
[[nodiscard]] inline std::string on_redis(const RedisServer& server, const std::string& timeout = "500ms") {
  return "coordination:\n  backend: redis\n  redis: {endpoint: '" + server.unix_url() + "', timeout: " + timeout +
         "}\n";
}

// The same for these servers: one Redis, or Redlock over several.
[[nodiscard]] inline std::string on_servers(const std::vector<std::string>& urls) {
  if (urls.size() == 1) {
    return "coordination:\n  backend: redis\n  redis: {endpoint: '" + urls.front() + "', timeout: 500ms}\n";
  }
  std::string list;
  for (const std::string& url : urls) list += (list.empty() ? "'" : ", '") + url + "'";
  return "coordination:\n  backend: redlock\n  redlock: {timeout: 500ms, endpoints: [" + list + "]}\n";
}

class LockHost {
 public:
  explicit LockHost(std::string coordination = "coordination: {backend: local}\n",
                    std::string locks = "locks: {\"job*\": {max_ttl: 24h}}\n")
      : coordination_(std::move(coordination)), agent_(AgentSettings{}) {
    configure(locks);
    agent_.start();
  }

  void configure(const std::string& locks, const std::string& agent_extra = "") const {
    agent_.write_config("version: 1\nagent:\n  runtime_dir: " + agent_.runtime_dir().string() +
                        "\n  log: {level: debug, format: text}\n" + agent_extra + coordination_ + locks);
  }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{JETONCTL, "--dir", agent_.runtime_dir(), "lock"};
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

  // What acquire printed; null if it did not succeed.
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

  AgentProcess& agent() { return agent_; }

 private:
  std::string coordination_;
  AgentProcess agent_;
};

// One host on the backend that the parameter names.
class EachBackend : public testing::TestWithParam<const char*> {
 protected:
  EachBackend() {
    const std::string backend = GetParam();
    if (backend == "local") {
      host = std::make_unique<LockHost>();
    } else if (backend == "redis") {
      redis = std::make_unique<RedisServer>();
      host = std::make_unique<LockHost>(on_redis(*redis));
    } else {
      std::string urls;
      for (int i = 0; i < 3; ++i) {
        servers.push_back(std::make_unique<RedisServer>());
        urls += (urls.empty() ? "'" : ", '") + servers.back()->tcp_url() + "'";
      }
      host = std::make_unique<LockHost>("coordination:\n  backend: redlock\n  redlock: {timeout: 500ms, endpoints: [" +
                                        urls + "]}\n");
    }
  }
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host->agent().log().c_str());
  }

  std::unique_ptr<RedisServer> redis;
  std::vector<std::unique_ptr<RedisServer>> servers;
  std::unique_ptr<LockHost> host;
};

inline const auto every_backend = testing::Values("local", "redis", "redlock");
inline std::string backend_name(const testing::TestParamInfo<const char*>& backend) { return backend.param; }

}  // namespace jeton::test
