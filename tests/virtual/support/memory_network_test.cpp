// The faults of the network between Redis clients and memory servers.
#include <gmock/gmock.h>

#include <optional>

#include "tests/virtual/support/raw_line.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;
using agent::TransportError;
using Fault = MemoryNetwork::Fault;

class MemoryNetworkFault : public testing::Test {
 protected:
  void set(Fault fault) { servers.network().set_fault(MemoryServers::address(0), fault); }
  // Far more than anything needs.
  void pass() { loop.pass(1s); }
  [[nodiscard]] std::string value() { return servers[0].cli({"GET", "k"}); }

  VirtualLoop loop;
  MemoryServers servers{loop, 2};
};

TEST_F(MemoryNetworkFault, None_AnswerTakesTheLatencyOfBothWays) {
  servers.network().set_latency(3ms, 3ms);
  RawLine line(loop, servers);
  const agent::BootTime sent = loop.clock.boot_now();
  line.command({"PING"});
  EXPECT_TRUE(loop.turn_until([&] { return line.received() == "+PONG\r\n"; }));
  EXPECT_EQ(loop.clock.boot_now() - sent, agent::Duration{6ms});
}

TEST_F(MemoryNetworkFault, None_LatencyVariesAndOrderIsKept) {
  servers.network().set_latency(100us, 50ms);
  RawLine line(loop, servers);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    line.command({"ECHO", std::to_string(i)});
    expected += memory_redis::to_wire(memory_redis::Reply::bulk(std::to_string(i)));
  }
  EXPECT_TRUE(loop.turn_until([&] { return line.received() == expected; })) << line.received();
}

TEST_F(MemoryNetworkFault, None_RequestInPiecesIsAnsweredOnce) {
  RawLine line(loop, servers);
  for (const char byte : std::string("*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n")) line.send({&byte, 1});
  pass();
  EXPECT_EQ(line.received(), "$2\r\nhi\r\n");
}

TEST_F(MemoryNetworkFault, Refused_ConnectionsEndAndNewOnesAreRefused) {
  RawLine line(loop, servers);
  RawLine elsewhere(loop, servers, 1);
  set(Fault::refused);
  pass();
  EXPECT_NE(line.end(), "");
  EXPECT_EQ(elsewhere.end(), "") << "a fault is of one address";
  EXPECT_THROW(RawLine(loop, servers), TransportError);
  set(Fault::none);
  RawLine after(loop, servers);
  EXPECT_EQ(after.end(), "");
}

TEST_F(MemoryNetworkFault, NoConnection_ConnectEndsAtItsDeadline) {
  set(Fault::no_connection);
  const agent::BootTime begun = loop.clock.boot_now();
  EXPECT_THROW(RawLine(loop, servers, 0, 700ms), TransportError);
  EXPECT_EQ(loop.clock.boot_now() - begun, agent::Duration{700ms});
}

TEST_F(MemoryNetworkFault, NoConnection_AnswerComesWhenItEnds) {
  RawLine line(loop, servers);
  set(Fault::no_connection);
  line.command({"SET", "k", "1"});
  pass();
  EXPECT_EQ(value(), "");
  set(Fault::none);
  pass();
  EXPECT_EQ(value(), "1");
  EXPECT_EQ(line.received(), "+OK\r\n");
}

TEST_F(MemoryNetworkFault, Silent_ConnectionIsMadeAndNothingArrives) {
  set(Fault::silent);
  RawLine line(loop, servers);
  line.command({"SET", "k", "1"});
  pass();
  EXPECT_EQ(servers[0].commands(), 0U);
  EXPECT_EQ(line.received(), "");
  EXPECT_EQ(line.end(), "");
  set(Fault::none);
  pass();
  EXPECT_EQ(line.received(), "+OK\r\n");
}

TEST_F(MemoryNetworkFault, Deaf_RequestIsServedAndItsAnswerWaits) {
  RawLine line(loop, servers);
  set(Fault::deaf);
  line.command({"SET", "k", "1"});
  pass();
  EXPECT_EQ(value(), "1");
  EXPECT_EQ(line.received(), "");
  set(Fault::none);
  pass();
  EXPECT_EQ(line.received(), "+OK\r\n");
}

TEST_F(MemoryNetworkFault, Held_MessagesArriveAndRequestsWait) {
  RawLine line(loop, servers);
  line.command({"SUBSCRIBE", "c"});
  pass();
  const std::string before = line.received();
  set(Fault::held);
  line.command({"UNSUBSCRIBE", "c"});
  pass();
  EXPECT_EQ(servers[0].cli({"PUBLISH", "c", "hello"}), "1");
  pass();
  EXPECT_THAT(line.received().substr(before.size()), testing::HasSubstr("hello"));
  set(Fault::none);
  pass();
  EXPECT_EQ(servers[0].cli({"PUBLISH", "c", "hello"}), "0");
}

TEST_F(MemoryNetworkFault, ReplyIsFatal_RequestIsServedAndTheConnectionEnds) {
  RawLine line(loop, servers);
  set(Fault::reply_is_fatal);
  line.command({"SET", "k", "1"});
  pass();
  EXPECT_EQ(value(), "1");
  EXPECT_EQ(line.received(), "");
  EXPECT_NE(line.end(), "");
  EXPECT_EQ(servers[0].connections(), 0U);
}

TEST_F(MemoryNetworkFault, ReplyIsFatal_MessageEndsEveryListener) {
  RawLine one(loop, servers);
  RawLine other(loop, servers);
  for (RawLine* line : {&one, &other}) line->command({"SUBSCRIBE", "c"});
  pass();
  set(Fault::reply_is_fatal);
  servers[0].cli({"PUBLISH", "c", "hello"});
  pass();
  EXPECT_NE(one.end(), "");
  EXPECT_NE(other.end(), "");
}

TEST_F(MemoryNetworkFault, ConnectionsAreLostUnnoticed_CarryNothingAndNewOnesAreMade) {
  RawLine line(loop, servers);
  line.command({"SET", "k", "1"});
  servers.network().lose_connections(MemoryServers::address(0), false);
  line.command({"SET", "k", "2"});
  pass();
  EXPECT_EQ(value(), "");
  EXPECT_EQ(line.received() + line.end(), "");
  EXPECT_EQ(servers[0].connections(), 1U) << "the server does not know";
  RawLine after(loop, servers);
  after.command({"PING"});
  pass();
  EXPECT_EQ(after.received(), "+PONG\r\n");
}

TEST_F(MemoryNetworkFault, ConnectionsAreLostAndBothEndsAreTold_AreOver) {
  RawLine line(loop, servers);
  servers.network().lose_connections(MemoryServers::address(0), true);
  pass();
  EXPECT_NE(line.end(), "");
  EXPECT_EQ(servers[0].connections(), 0U);
}

TEST_F(MemoryNetworkFault, AddressMoves_OpenConnectionStaysWhereItIs) {
  RawLine before(loop, servers);
  servers.network().point(MemoryServers::address(0), servers.shared(1));
  RawLine after(loop, servers);
  before.command({"SET", "k", "first"});
  after.command({"SET", "k", "second"});
  pass();
  EXPECT_EQ(servers[0].cli({"GET", "k"}), "first");
  EXPECT_EQ(servers[1].cli({"GET", "k"}), "second");
}

TEST_F(MemoryNetworkFault, ConnectIsAborted_Ends) {
  set(Fault::no_connection);
  agent::redis::ConnectAttempt attempt;
  const auto connect = servers.network().connector();
  const agent::BootTime begun = loop.clock.boot_now();
  const auto abort_after = loop.timers.schedule(begun + 10ms, [&] { attempt.cancel(); });
  const auto connected = loop.run(connect(loop.timers, MemoryServers::address(0), {}, begun + 1h, attempt));
  EXPECT_EQ(connected.failure, "operation canceled");
  EXPECT_EQ(connected.transport, nullptr);
  EXPECT_EQ(loop.clock.boot_now() - begun, agent::Duration{10ms});
  EXPECT_FALSE(loop.timers.cancel(abort_after));
}

}  // namespace
}  // namespace jeton::test
