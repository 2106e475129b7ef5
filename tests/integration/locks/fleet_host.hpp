// EachFleet: hosts of one fleet on the servers that the parameter names: one Redis, or Redlock on three, each behind a
// proxy that can break.
#pragma once

#include <string>
#include <vector>

#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/lock_servers.hpp"

namespace jeton::test {

class EachFleet : public testing::TestWithParam<const char*> {
 protected:
  EachFleet() : servers(GetParam() == std::string("redis") ? 1 : 3) { add_host(); }

  // Returns when every server has given it a lock: none is only on its way to be connected.
  LockHost& add_host() {
    LockHost& added = *hosts_.emplace_back(std::make_unique<LockHost>(on_servers(servers.urls())));
    EXPECT_TRUE(eventually([&] { return on_all_servers(added, "job-reach"); })) << added.agent().log();
    return added;
  }
  [[nodiscard]] LockHost& host() const { return *hosts_.front(); }

  // "run job OPTIONS", in the background, with a command that does nothing until it is ended; returns when it is held.
  [[nodiscard]] std::unique_ptr<Process> hold(const std::string& ttl) const {
    auto job = host().start({"run", "job", "--ttl", ttl, "--", "sleep", "1000"});
    EXPECT_TRUE(eventually([&] { return !servers.value().empty(); })) << job->err();
    return job;
  }
  // Nobody has it, and it can be had.
  [[nodiscard]] static bool can_be_had(const LockHost& at) {
    return at.lock({"run", "job", "--wait", "20s", "--", "true"}).status == 0;
  }

  void TearDown() override {
    if (!HasFailure()) return;
    for (const auto& one : hosts_) std::fprintf(stderr, "--- agent log\n%s\n", one->agent().log().c_str());
  }

  LockServers servers;

 private:
  [[nodiscard]] bool on_all_servers(const LockHost& by, const std::string& name) const {
    const Json lock = by.acquire(name, "60s");
    if (!lock.is_object()) return false;
    const bool reached =
        eventually([&] { return servers.count(lock["owner"], name) == servers.size(); }, std::chrono::seconds(1));
    return by.release(name, lock) == 0 && reached;
  }

  std::vector<std::unique_ptr<LockHost>> hosts_;
};

inline const auto every_fleet = testing::Values("redis", "redlock");

}  // namespace jeton::test
