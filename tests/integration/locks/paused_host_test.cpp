// A host that stands still for longer than its lock lives, and goes on as if nothing had been (lock scenarios 6, 7,
// 20).
#include <signal.h>

#include "tests/integration/locks/fleet_host.hpp"

namespace jeton::test {
namespace {

class PausedHost : public EachFleet {
 protected:
  PausedHost() { other = &add_host(); }

  // The command line of the example of a resource that checks fences; the fence comes in JETON_LOCK_FENCE.
  [[nodiscard]] std::string write(const std::string& text) const {
    return std::string("/usr/bin/python3 " JETON_FENCED_STORE " ") + resource().string() + " " + text;
  }
  [[nodiscard]] std::filesystem::path resource() const { return dir / "report.json"; }

  LockHost* other;
  TempDir dir;
};

// The agent hangs, and its holder's command does not listen to who tells it to end.
TEST_P(PausedHost, IsRefusedByItsFenceWhenItWritesAfterItsSuccessor) {
  const std::filesystem::path held = dir / "held";
  const std::filesystem::path go = dir / "go";
  const auto late = host().start({"run", "job", "--ttl", "1s", "--grace", "1h", "--", "sh", "-c",
                                  "trap '' TERM; touch " + held.string() + "; until test -e " + go.string() +
                                      "; do sleep 0.05; done; " + write("late") + " || exec sleep 0"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); }));
  host().agent().signal(SIGSTOP);
  const RunResult successor =
      other->lock({"run", "job", "--ttl", "60s", "--wait", "30s", "--", "sh", "-c", write("successor")});
  EXPECT_EQ(successor.status, 0) << successor.err;
  const std::string written = read_file(resource());
  EXPECT_NE(written.find("successor"), std::string::npos) << written;
  dir.write("go", "");
  EXPECT_EQ(late->wait(), 123) << late->err();
  EXPECT_NE(late->err().find("is too low"), std::string::npos) << late->err();
  EXPECT_EQ(read_file(resource()), written);
  host().agent().signal(SIGCONT);
}

TEST_P(PausedHost, CannotGiveBackWhatIsItsSuccessorsByThen) {
  const Json stale = host().acquire("job", "1s", {"--wait", "20s"});
  ASSERT_TRUE(stale.is_object());
  host().agent().signal(SIGSTOP);
  const Json next = other->acquire("job", "1h", {"--wait", "30s"});
  ASSERT_TRUE(next.is_object());
  EXPECT_NE(next["owner"], stale["owner"]);
  EXPECT_GT(next["fence"], stale["fence"]);
  host().agent().signal(SIGCONT);
  int status = 2;  // its connections may have to be made anew
  EXPECT_TRUE(eventually([&] { return (status = host().release("job", stale)) != 2; }));
  EXPECT_EQ(status, 5);
  EXPECT_EQ(host().extend("job", stale, "10s"), 5);
  EXPECT_EQ(servers.value(), next["owner"].get<std::string>());
  EXPECT_GT(servers.pttl(), 3'000'000);
}

INSTANTIATE_TEST_SUITE_P(Each, PausedHost, every_fleet, backend_name);

}  // namespace
}  // namespace jeton::test
