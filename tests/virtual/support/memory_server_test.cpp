// The faults that a test makes in a memory server, as its clients see them.
#include <gmock/gmock.h>

#include "tests/virtual/support/raw_line.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class MemoryRedisServer : public testing::Test {
 protected:
  void pass() { loop.pass(1s); }
  // Of the INFO command.
  [[nodiscard]] std::string run_id() { return server.cli({"INFO"}); }

  VirtualLoop loop;
  MemoryServers servers{loop, 1};
  MemoryServer& server = servers[0];
};

TEST_F(MemoryRedisServer, Frozen_AnswersAfterTheThaw) {
  RawLine before(loop, servers);
  server.freeze();
  RawLine during(loop, servers);
  before.command({"SET", "k", "1"});
  during.command({"PING"});
  pass();
  EXPECT_EQ(before.received() + during.received(), "");
  EXPECT_EQ(server.cli({"GET", "k"}), "");
  server.thaw();
  pass();
  EXPECT_EQ(before.received(), "+OK\r\n");
  EXPECT_EQ(during.received(), "+PONG\r\n");
}

TEST_F(MemoryRedisServer, FrozenAndClientCloses_ServesWhatWasSentBefore) {
  RawLine line(loop, servers);
  server.freeze();
  line.command({"SET", "k", "1"});
  pass();
  line.close();
  pass();
  server.thaw();
  EXPECT_EQ(server.cli({"GET", "k"}), "1");
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(MemoryRedisServer, FrozenPastAnExpiry_KeyIsGoneAtTheThaw) {
  server.cli({"SET", "k", "1", "PX", "1000"});
  server.freeze();
  loop.pass(2s);
  server.thaw();
  EXPECT_EQ(server.cli({"DBSIZE"}), "0");
}

TEST_F(MemoryRedisServer, Killed_DataAndConnectionsAreGoneAndNoneIsMade) {
  RawLine line(loop, servers);
  server.cli({"SET", "k", "1"});
  const std::string before = run_id();
  server.kill();
  pass();
  EXPECT_NE(line.end(), "");
  EXPECT_THROW(RawLine(loop, servers), agent::TransportError);
  server.restart();
  RawLine after(loop, servers);
  EXPECT_EQ(server.cli({"EXISTS", "k"}), "0");
  EXPECT_NE(run_id(), before);
}

TEST_F(MemoryRedisServer, RestartedWithData_KeepsKeysAndForgetsScripts) {
  const std::string sha1 = server.cli({"SCRIPT", "LOAD", "return 1"});
  server.cli({"SET", "k", "1", "PX", "5000"});
  EXPECT_EQ(server.cli({"EVALSHA", sha1, "0"}), "1");
  server.restart_with_data();
  EXPECT_EQ(server.cli({"GET", "k"}), "1");
  EXPECT_THAT(server.cli({"EVALSHA", sha1, "0"}), HasSubstr("NOSCRIPT"));
  loop.pass(6s);
  EXPECT_EQ(server.cli({"EXISTS", "k"}), "0");
}

TEST_F(MemoryRedisServer, FailsOver_HasWhatItsReplicaHadAndNoConnection) {
  server.cli({"SET", "changed", "1"});
  server.cli({"SET", "short", "1", "PX", "5000"});
  server.stop_replication();
  server.cli({"SET", "changed", "2"});
  server.cli({"SET", "new", "1"});
  RawLine line(loop, servers);
  loop.pass(6s);
  server.fail_over();
  pass();
  EXPECT_NE(line.end(), "");
  EXPECT_EQ(server.cli({"GET", "changed"}), "1");
  EXPECT_EQ(server.cli({"EXISTS", "new", "short"}), "0");
}

TEST_F(MemoryRedisServer, KeyExpires_ClientThatTracksItIsTold) {
  RawLine listener(loop, servers);
  listener.command({"SUBSCRIBE", "__redis__:invalidate"});
  RawLine tracker(loop, servers);
  tracker.command({"CLIENT", "TRACKING", "ON", "REDIRECT", "1", "BCAST", "PREFIX", "k"});
  pass();
  EXPECT_EQ(tracker.received(), "+OK\r\n");
  server.cli({"SET", "key", "1", "PX", "5000"});
  server.cli({"SET", "other", "1"});
  pass();
  const std::string written = listener.received();
  EXPECT_THAT(written, HasSubstr("$3\r\nkey\r\n"));
  EXPECT_THAT(written, testing::Not(HasSubstr("other")));
  loop.pass(5s);
  EXPECT_THAT(listener.received().substr(written.size()), HasSubstr("$3\r\nkey\r\n"));
}

TEST_F(MemoryRedisServer, ClockIsWrong_TimeSaysSoAndTimeToLiveIsNotShorter) {
  const auto right = std::stoll(server.cli({"TIME"}));
  server.set_clock_error(100s);
  EXPECT_EQ(std::stoll(server.cli({"TIME"})), right + 100);
  server.cli({"SET", "k", "1", "PX", "5000"});
  EXPECT_EQ(server.cli({"PTTL", "k"}), "5000");
  loop.pass(4s);
  EXPECT_EQ(server.cli({"PTTL", "k"}), "1000");
}

TEST_F(MemoryRedisServer, ClockDrifts_TimeAndExpiryAreByIt) {
  const auto right = std::stoll(server.cli({"TIME"}));
  server.set_clock_rate(5'000);
  loop.pass(1000s);
  EXPECT_EQ(std::stoll(server.cli({"TIME"})), right + 1005);
  std::string expired;
  server.observe([&](const std::string& key) { expired = key; });
  server.cli({"SET", "k", "1", "PX", "100000"});
  expired.clear();
  loop.pass(99'400ms);
  EXPECT_EQ(expired, "");
  loop.pass(200ms);
  EXPECT_EQ(expired, "k");
  server.observe(nullptr);
  server.set_clock_rate(0);
  EXPECT_EQ(server.clock_error(), 5'498ms) << "it stays where it is";
}

class SlowScript : public MemoryRedisServer {
 protected:
  SlowScript() {
    server.set_script_time(300ms);
    listener.command({"SUBSCRIBE", "c"});
    loop.pass(10ms);
    heard_before = listener.received();
  }
  void send(RawLine& from) {
    from.command({"EVAL", "redis.call('PUBLISH', 'c', 'm'); return redis.call('INCR', 'k')", "0"});
  }

  RawLine listener{loop, servers};
  RawLine line{loop, servers};
  RawLine other{loop, servers};
  std::string heard_before;
};

TEST_F(SlowScript, IsSent_HasDoneItsWorkBeforeAnybodyHears) {
  send(line);
  line.command({"ECHO", "behind"});
  loop.pass(10ms);
  other.command({"PING"});
  loop.pass(280ms);
  EXPECT_EQ(server.cli({"GET", "k"}), "1");
  EXPECT_EQ(line.received() + other.received(), "");
  EXPECT_EQ(listener.received(), heard_before);
  loop.pass(20ms);
  EXPECT_EQ(line.received(), ":1\r\n$6\r\nbehind\r\n");
  EXPECT_EQ(other.received(), "+PONG\r\n");
  EXPECT_THAT(listener.received(), HasSubstr("$1\r\nm\r\n"));
}

TEST_F(SlowScript, SeveralAreSent_EachTakesItsTime) {
  for (RawLine* each : {&line, &other}) send(*each);
  loop.pass(310ms);
  EXPECT_EQ(line.received(), ":1\r\n");
  EXPECT_EQ(other.received(), "");
  loop.pass(300ms);
  EXPECT_EQ(other.received(), ":2\r\n");
}

TEST_F(SlowScript, ServerIsFrozenMeanwhile_AnswersAfterTheThaw) {
  send(line);
  loop.pass(10ms);
  server.freeze();
  pass();
  EXPECT_EQ(line.received(), "");
  server.thaw();
  loop.pass(10ms);
  EXPECT_EQ(line.received(), ":1\r\n");
}

TEST_F(SlowScript, ServerIsKilledMeanwhile_NewOneServesAtOnce) {
  send(line);
  loop.pass(10ms);
  server.restart();
  RawLine after(loop, servers);
  after.command({"PING"});
  loop.pass(10ms);
  EXPECT_EQ(after.received(), "+PONG\r\n");
  pass();
  EXPECT_EQ(line.received(), "");
}

TEST_F(MemoryRedisServer, MessagesAreDisordered_EachComesOnceOrTwiceInAnyOrder) {
  RawLine listener(loop, servers);
  listener.command({"SUBSCRIBE", "c"});
  pass();
  server.set_message_disorder(500ms);
  std::string in_order;
  for (int i = 10; i < 40; ++i) {
    server.cli({"PUBLISH", "c", std::to_string(i)});
    in_order += std::to_string(i);
  }
  pass();
  std::string came;
  for (std::size_t at = 0; (at = listener.received().find("$2\r\n", at)) != std::string::npos; at += 4) {
    came += listener.received().substr(at + 4, 2);
  }
  EXPECT_GT(came.size(), in_order.size()) << "none came twice";
  EXPECT_NE(came.substr(0, in_order.size()), in_order);
  for (int i = 10; i < 40; ++i) EXPECT_THAT(listener.received(), HasSubstr(std::to_string(i) + "\r\n"));
}

TEST_F(MemoryRedisServer, CommandIsRefused_AlsoWithinAScript) {
  RawLine line(loop, servers);
  server.refuse("SET", "OOM no memory");
  line.command({"SET", "k", "1"});
  line.command({"EVAL", "return redis.call('SET', 'k', '1')", "0"});
  line.command({"PING"});
  pass();
  EXPECT_THAT(line.received(), testing::MatchesRegex("-OOM no memory\r\n-OOM no memory script: .*\r\n\\+PONG\r\n"));
  server.refuse("SET", "");
  line.command({"SET", "k", "1"});
  pass();
  EXPECT_EQ(server.cli({"GET", "k"}), "1");
}

TEST_F(MemoryRedisServer, ScriptFailsHalfWay_WhatItWroteStays) {
  EXPECT_THAT(server.cli({"EVAL", "redis.call('SET', 'k', '1') error('no')", "0"}), HasSubstr("no"));
  EXPECT_EQ(server.cli({"GET", "k"}), "1");
}

TEST_F(MemoryRedisServer, PasswordIsSet_NothingIsServedWithoutIt) {
  MemoryServers closed(loop, 1, "hunter2");
  RawLine line(loop, closed);
  line.command({"PING"});
  line.command({"AUTH", "wrong"});
  line.command({"AUTH", "hunter2"});
  line.command({"PING"});
  pass();
  EXPECT_THAT(line.received(), testing::MatchesRegex("-NOAUTH [^\r]*\r\n-WRONGPASS [^\r]*\r\n\\+OK\r\n\\+PONG\r\n"));
}

TEST_F(MemoryRedisServer, WaitForReplicas_HoldsBackWhatComesAfterIt) {
  RawLine line(loop, servers);
  line.command({"WAIT", "1", "500"});
  line.command({"PING"});
  loop.pass(400ms);
  EXPECT_EQ(line.received(), "");
  loop.pass(200ms);
  EXPECT_EQ(line.received(), ":0\r\n+PONG\r\n");
  server.set_replicas(1);
  line.command({"WAIT", "1", "500"});
  loop.pass(10ms);
  EXPECT_EQ(line.received(), ":0\r\n+PONG\r\n:1\r\n");
}

TEST_F(MemoryRedisServer, KilledWhileAClientWaitsForReplicas_AnswersNothing) {
  RawLine line(loop, servers);
  line.command({"WAIT", "1", "500"});
  loop.pass(100ms);
  server.kill();
  pass();
  EXPECT_EQ(line.received(), "");
  EXPECT_NE(line.end(), "");
}

}  // namespace
}  // namespace jeton::test
