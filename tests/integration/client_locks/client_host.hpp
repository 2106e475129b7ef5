// ClientHost: an agent beside libjeton. The logic of locks is tested in tests/virtual/locks.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <jeton/client.hpp>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/lock_agent.hpp"
#include "tests/support/scripted_agent.hpp"

namespace jeton::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientHost : public LockAgent {
 public:
  explicit ClientHost(std::string coordination = coordination_on({}))
      : LockAgent(std::move(coordination),
                  "locks:\n  \"*\": {max_ttl: 2h}\n  \"kept*\": {max_ttl: 2h, when_agent_stops: keep}\n") {}

  [[nodiscard]] LockOptions options(milliseconds ttl = seconds(60)) const {
    LockOptions options;
    options.ttl = ttl;
    options.directory = runtime_dir();
    return options;
  }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return Lock(name, options(ttl));
  }
  // An application as a process of its own: worker_main.cpp.
  [[nodiscard]] std::vector<std::string> worker(const std::string& ttl_ms, std::vector<std::string> what) const {
    std::vector<std::string> argv{JETON_LOCK_WORKER, runtime_dir(), "job", ttl_ms};
    argv.insert(argv.end(), what.begin(), what.end());
    return argv;
  }
};

[[nodiscard]] inline Lock lock_at(const ScriptedAgent& agent) {
  LockOptions options;
  options.directory = agent.directory();
  return Lock("job", options);
}

[[nodiscard]] inline bool says(const Process& process, const std::string& text) {
  return eventually([&] { return process.out().find(text) != std::string::npos; });
}

// The locks of one host: for tests of the library, which need no particular backend.
struct Locks : testing::Test {
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return host.lock(name, ttl);
  }

  ClientHost host;
};

}  // namespace jeton::test
