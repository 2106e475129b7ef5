// The limit on locked memory is reached: what happens is the user's decision.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jeton/client.hpp>
#include <string>

#include "agent/base/error.hpp"
#include "agent/segment/segment_store.hpp"
#include "tests/fault/segment/child.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {
namespace {

class MemoryLock : public testing::Test {
 protected:
  // An agent that may lock no memory: 0 if it published, 3 if it refused and said why. root may always lock.
  int agent_without_memory_lock(agent::Policy policy) {
    if (::geteuid() == 0 && ::chown(dir.path().c_str(), 65534, 65534) != 0) return 1;
    Child child([&](int) {
      const rlimit none = {0, 0};
      if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 1;
      if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
      agent::RuntimeDir runtime(dir / "run", agent::Policy::warn);
      try {
        agent::SegmentStore store(runtime, {"api", 1024, {}, policy}, wall_now());
        store.publish(sample_record(1), wall_now());
        return read() == "secret-value" ? 0 : 2;
      } catch (const agent::Error& e) {
        return std::string(e.what()).find("raise LimitMEMLOCK, or set agent.memory_lock to warn") != std::string::npos
                   ? 3
                   : 4;
      }
    });
    return child.wait();
  }
  [[nodiscard]] std::string read() const {
    jeton::Options options;
    options.directory = (dir / "run").string();
    return Token("api", options).read().value().value;
  }
  TempDir dir;
};

TEST_F(MemoryLock, LimitIsReachedAndPolicyIsWarn_TokenIsServed) {
  EXPECT_EQ(agent_without_memory_lock(agent::Policy::warn), 0);
}

TEST_F(MemoryLock, LimitIsReachedAndPolicyIsRefuse_IsRefusedAndNoFileIsLeft) {
  if (sanitized) GTEST_SKIP() << "sanitizers make mlock do nothing";
  EXPECT_EQ(agent_without_memory_lock(agent::Policy::refuse), 3);
  EXPECT_TRUE(std::filesystem::is_empty(dir / "run" / "segments"));
}

}  // namespace
}  // namespace jeton::test
