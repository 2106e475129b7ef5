// One coordinator of the kind that the parameter names, for what every kind promises
// (agent/fleet/coordinator.hpp).
#pragma once

#include "tests/integration/backends/backend.hpp"

namespace jeton::agent {

class CoordinatorBehaviour : public testing::TestWithParam<const char*> {
 protected:
  CoordinatorBehaviour() { open(); }
  ~CoordinatorBehaviour() override { close(); }

  [[nodiscard]] bool is_local() const { return backend.is_local(); }
  [[nodiscard]] bool is_redlock() const { return backend.is_redlock(); }
  // The TTL of a lock that is to expire soon. A quorum says no if the validity ran out while it was asked, so
  // there it leaves a busy machine more time.
  [[nodiscard]] Milliseconds brief() const { return Milliseconds{is_redlock() ? 4000 : 50}; }

  void open() {
    if (is_local()) {
      coordinator = make_local_coordinator(loop.timers, loop.random, backend.dir() / "coordination");
    } else if (is_redlock()) {
      coordinator = make_redlock_backends(loop.timers, loop.random, backend.redlock()).coordinator;
    } else {
      coordinator = make_redis_backends(loop.timers, loop.random, backend.redis()).coordinator;
    }
    coordinator->start();
    call.emplace(loop, *coordinator);
  }
  void close() {
    coordinator->stop();
    coordinator.reset();
  }

  test::Backend backend{GetParam()};
  test::TestLoop& loop = backend.loop();
  std::unique_ptr<Coordinator> coordinator;
  std::optional<test::Caller> call;
};

inline std::string backend_name(const testing::TestParamInfo<const char*>& backend) { return backend.param; }

inline const auto every_backend =
    testing::Values("local", "redis_unix", "redis_tcp", "redis_cluster", "redlock", "memory_redis", "memory_redlock");

}  // namespace jeton::agent
