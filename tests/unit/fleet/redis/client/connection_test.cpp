// One connection over a transport that a test answers for, in virtual time.
#include "agent/fleet/redis/client/connection.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <deque>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// What the peer has said, and whether it was closed. Outlives the transport.
struct Peer {
  explicit Peer(Timers& timers) : changed(timers) {}
  void say(std::string bytes) {
    said.push_back(std::move(bytes));
    changed.notify();
  }

  Event changed;
  std::deque<std::string> said;
  bool closed = false;
};

class PeerTransport final : public Transport {
 public:
  explicit PeerTransport(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

  Task<Received> read_some(std::span<char> into) override {
    const std::shared_ptr<Peer> peer = peer_;
    while (peer->said.empty() && !peer->closed) co_await peer->changed.wait();
    if (peer->closed) co_return Received("closed");
    const std::string bytes = std::move(peer->said.front());
    peer->said.pop_front();
    std::memcpy(into.data(), bytes.data(), bytes.size());
    co_return Received(bytes.size());
  }
  Task<> write(std::string_view /*bytes*/) override { co_return; }
  void close() noexcept override {
    peer_->closed = true;
    peer_->changed.notify();
  }

 private:
  std::shared_ptr<Peer> peer_;
};

class ConnectionTest : public testing::Test {
 protected:
  ~ConnectionTest() override {
    connection.close("the test ends");
    loop.pass(1ms);
  }

  void ask(Duration limit) {
    boost::asio::co_spawn(loop.context, asking(loop.clock.boot_now() + limit),
                          [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  Task<> asking(BootTime deadline) {
    try {
      Command ping({"PING"});
      Answer answer = co_await connection.command(std::move(ping), deadline);
      const Reply reply = std::move(answer).value();
      answers.emplace_back(reply.as_text());
    } catch (const NotSentError& e) {
      answers.emplace_back(std::string("not sent: ") + e.what());
    } catch (const TransportError& e) {
      answers.emplace_back(e.what());
    }
  }

  Task<> asking_twice(BootTime deadline) {
    co_await asking(deadline);
    co_await asking(deadline);
  }

  static constexpr Duration timeout = 1s;
  test::VirtualLoop loop;
  std::shared_ptr<Peer> peer = std::make_shared<Peer>(loop.timers);
  Connection connection{loop.timers, std::make_unique<PeerTransport>(peer), {}, "redis://peer", timeout};
  std::vector<std::string> answers;
};

// The timers of one moment run in the order in which they were set: the reply is read before the caller goes on.
TEST_F(ConnectionTest, ReplyComesInTheMomentOfTheDeadline_Counts) {
  for (const Duration limit : {Duration{100ms}, timeout}) {
    loop.timers.schedule(loop.clock.boot_now() + limit, [this] { peer->say("+PONG\r\n"); });
    ask(limit);
    loop.pass(2 * limit);
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back(), "PONG");
    EXPECT_TRUE(connection.is_open());
  }
}

TEST_F(ConnectionTest, ShortDeadlinePasses_OthersAreAnswered) {
  ask(timeout);
  ask(100ms);
  loop.pass(200ms);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0], "redis://peer: no answer in time");
  peer->say("+PONG\r\n+late\r\n");
  loop.pass(1ms);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[1], "PONG");
  EXPECT_TRUE(connection.is_open());
}

TEST_F(ConnectionTest, PeerIsSilentAndAskedWithShortDeadlinesOnly_IsClosed) {
  for (Duration passed{0}; passed < 2 * timeout; passed += 100ms) {
    EXPECT_TRUE(connection.is_open());
    ask(100ms);
    loop.pass(100ms);
  }
  loop.pass(1ms);
  EXPECT_FALSE(connection.is_open());
  EXPECT_EQ(connection.close_reason(), "redis://peer: no answer in time");
}

// What is sent proves nothing about the server.
TEST_F(ConnectionTest, NothingIsHeard_IsQuietAfterThatTime) {
  const BootTime begin = loop.clock.boot_now();
  loop.timers.schedule(begin + 300ms, [this] { ask(timeout); });
  loop.timers.schedule(begin + 500ms, [this] { peer->say("+PONG\r\n"); });
  loop.timers.schedule(begin + 900ms, [this] { ask(timeout); });
  EXPECT_TRUE(loop.run(connection.wait_quiet(1s)));
  EXPECT_EQ(loop.clock.boot_now() - begin, Duration{1500ms});
  EXPECT_TRUE(loop.run(connection.wait_quiet(1s))) << "at once";
  EXPECT_EQ(loop.clock.boot_now() - begin, Duration{1500ms});
}

TEST_F(ConnectionTest, IsClosed_IsNotWaitedForAnyMore) {
  const BootTime begin = loop.clock.boot_now();
  loop.timers.schedule(begin + 100ms, [this] { connection.close("the test says so"); });
  EXPECT_FALSE(loop.run(connection.wait_quiet(1s)));
  EXPECT_EQ(loop.clock.boot_now() - begin, Duration{100ms});
}

TEST_F(ConnectionTest, PeerSaysMoreThanWasAsked_NextCommandIsNotSent) {
  boost::asio::co_spawn(loop.context, asking_twice(loop.clock.boot_now() + timeout),
                        [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  loop.pass(1ms);
  peer->say("+PONG\r\n+PONG\r\n");
  loop.pass(1ms);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0], "PONG");
  EXPECT_EQ(answers[1], "not sent: redis://peer: the server sent a reply that no command asked for");
}

// Each answer is late, but none is older than the limit.
TEST_F(ConnectionTest, PeerIsSlow_StaysOpen) {
  for (int i = 0; i < 100; ++i) {
    ask(100ms);
    loop.timers.schedule(loop.clock.boot_now() + timeout, [this] { peer->say("+PONG\r\n"); });
    loop.pass(100ms);
  }
  EXPECT_TRUE(connection.is_open());
}

}  // namespace
}  // namespace jeton::agent::redis
