// Many workers count together: an update that overlaps with another would be lost (lock scenario 4).
#include <boost/asio/co_spawn.hpp>

#include "tests/support/effort.hpp"
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

class Counter {
 public:
  explicit Counter(VirtualLoop& loop) : loop_(loop) {}

  // Adds one `rounds` times, each time read, then written under the lock "job".
  void add_worker(LockHost& host, int rounds, Ask ask = {.wait = 1h}) {
    ++at_work_;
    boost::asio::co_spawn(loop_.context, work(host, rounds, std::move(ask)), [this](std::exception_ptr failure) {
      --at_work_;
      if (failure) std::rethrow_exception(failure);
    });
  }
  // The count when all have ended.
  [[nodiscard]] int result() {
    EXPECT_TRUE(loop_.turn_until([&] { return at_work_ == 0; }, 24h));
    return number_;
  }

 private:
  agent::Task<> work(LockHost& host, int rounds, Ask ask) {
    for (int i = 0; i < rounds; ++i) {
      const Session session = host.open(ask);
      while (session->state() == State::trying || session->state() == State::waiting)
        co_await session->changed().wait();
      EXPECT_EQ(session->state(), State::held) << session->reason();
      const int read = number_;
      co_await agent::sleep_for(loop_.timers, 200us);
      number_ = read + 1;
      session->cancel();
      while (!LockHost::is_over(*session)) co_await session->changed().wait();
      EXPECT_EQ(session->state(), State::ended) << session->reason();
    }
  }

  VirtualLoop& loop_;
  int at_work_ = 0;
  int number_ = 0;
};

// With a sanitizer: a round costs a quorum of five ten times the messages that it costs one server.
int rounds_of(const LockFleet& fleet) { return effort(100, fleet.is_redlock() ? 5 : 20); }

TEST_P(AnyLock, SixteenWorkersOfAHost_LoseNoCount) {
  Counter counter(loop);
  for (int i = 0; i < 16; ++i) counter.add_worker(host, rounds_of(fleet));
  EXPECT_EQ(counter.result(), 16 * rounds_of(fleet));
}

TEST_P(FleetLock, SixteenWorkersOfFourHosts_LoseNoCount) {
  std::vector<LockHost*> hosts{&host};
  while (hosts.size() < 4) hosts.push_back(&fleet.add_host());
  Counter counter(loop);
  for (std::size_t i = 0; i < 16; ++i) counter.add_worker(*hosts[i % 4], rounds_of(fleet));
  EXPECT_EQ(counter.result(), 16 * rounds_of(fleet));
}

TEST_P(FleetLock, TwoHostsTakeTheSameTwoLocksInOtherOrder_NeitherBlocksTheOther) {
  LockHost& other = fleet.add_host();
  Counter counter(loop);
  const int rounds = effort(20, 5);
  counter.add_worker(host, rounds, {.name = "a", .wait = 1min, .also = {"b"}});
  counter.add_worker(other, rounds, {.name = "b", .wait = 1min, .also = {"a"}});
  EXPECT_EQ(counter.result(), 2 * rounds);
}

}  // namespace
}  // namespace jeton::test
