// The lock in the hands of another process, which is killed and stopped. The numbers are those of the lock scenarios.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/integration/backends/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using testing::HasSubstr;

class LockProcess : public test::RedisCoordination {
 protected:
  // Starts a holder and waits until it has the lock.
  std::unique_ptr<test::Process> start_holder(Milliseconds ttl) {
    auto process = std::make_unique<test::Process>(std::vector<std::string>{
        LOCK_HOLDER_BINARY, server.socket(), std::to_string(ttl.count()), (dir / "go").string()});
    EXPECT_TRUE(test::eventually([&] { return process->out().find('\n') != std::string::npos; }));
    EXPECT_THAT(process->out(), HasSubstr("acquired "));
    return process;
  }
  void say_go() { dir.write("go", ""); }

  test::TempDir dir;
};

int count_of(const std::string& text, const std::string& word) {
  int count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST_F(LockProcess, HolderRenewsAndIsKilled_LockIsKeptAndThenFree) {  // [16]
  const auto holder = start_holder(6s);
  const std::string owner = value();
  // Longer than its TTL, by the holder's own count of renewals, one each third.
  while (count_of(holder->out(), "renewed") < 4) {
    ASSERT_EQ(value(), owner);
    ASSERT_FALSE(a.call.try_acquire(1s).lease);
    ASSERT_EQ(count_of(holder->out(), "lost"), 0);
  }
  holder->kill();
  EXPECT_LE(pttl(updater), 6'000);
  const Lease lease = a.call.acquire_eventually(60s);
  EXPECT_NE(lease.owner, owner);
}

TEST_F(LockProcess, HolderWasStoppedTooLong_PublicationIsRefused) {  // [20]
  const auto holder = start_holder(300ms);
  holder->signal(SIGSTOP);
  const Lease lease = a.call.acquire_eventually(60s);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "newer"), lease).stored);
  say_go();
  holder->signal(SIGCONT);
  EXPECT_EQ(holder->wait(test::patience), 0);
  EXPECT_THAT(holder->out(), HasSubstr("refused"));
  const auto current = a.call.load();
  ASSERT_TRUE(current);
  EXPECT_EQ(current->generation, lease.fence);
  EXPECT_EQ(current->value, SecretString("newer"));
}

TEST_F(LockProcess, HolderWasStoppedTooLong_SeesTheLossAndNewLockIsUntouched) {  // [17]
  const auto holder = start_holder(300ms);
  holder->signal(SIGSTOP);
  const Lease lease = a.call.acquire_eventually(1h);
  holder->signal(SIGCONT);
  EXPECT_TRUE(test::eventually([&] { return count_of(holder->out(), "lost") > 0; }));
  EXPECT_EQ(value(), lease.owner);
  EXPECT_GT(pttl(updater), 3'000'000);
}

}  // namespace
}  // namespace jeton::agent
