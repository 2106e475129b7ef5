// Commands that will not end, or will not end alone.
#include <sys/wait.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "tests/support/stepped_timers.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using testing::HasSubstr;
using Kind = SourceError::Kind;

class HostileCommand : public ExecTest {
 protected:
  // The script notes its processes when they are ready, and its time is over when there are so many of them.
  void expect_timed_out(const std::string& text, std::size_t processes = 1) {
    SteppedTimers timers(loop.timers);
    auto config = script(text);
    config.timeout = 1h;
    const auto source = make_source(token_by(config), {no_http, timers, tokens, loop.random});
    std::exception_ptr failure;
    bool ended = false;
    boost::asio::co_spawn(loop.context, source->fetch({}),
                          [&](std::exception_ptr failed, const agent::FetchedToken& /*token*/) {
                            failure = std::move(failed);
                            ended = true;
                          });
    EXPECT_TRUE(loop.turn_until([&] { return pids().size() >= processes; }));
    timers.step(config.timeout);
    if (!loop.turn_until([&] { return ended; })) std::abort();  // it would write to this frame
    try {
      ASSERT_TRUE(failure) << "the fetch did not fail";
      std::rethrow_exception(failure);
    } catch (const SourceError& e) {
      EXPECT_EQ(e.kind(), Kind::transient);
      EXPECT_THAT(e.what(), HasSubstr("did not end within source.timeout (1h)"));
    }
    EXPECT_TRUE(loop.turn_until([&] { return all_gone(); }));
  }
};

// The agent was stopped meanwhile, or its loop was late.
TEST_F(HostileCommand, CommandEndsInTimeAndTheLoopIsLate_TokenIsRead) {
  SteppedTimers timers(loop.timers);
  const auto config =
      script("echo $PPID >> \"$1/pids\"; while [ ! -e \"$1/go\" ]; do sleep 0.01; done\n" + std::string(print_token));
  const auto source = make_source(token_by(config), {no_http, timers, tokens, loop.random});
  std::exception_ptr failure;
  std::string value;
  bool ended = false;
  boost::asio::co_spawn(loop.context, source->fetch({}),
                        [&](std::exception_ptr failed, const agent::FetchedToken& token) {
                          failure = std::move(failed);
                          value = token.value.reveal();
                          ended = true;
                        });
  EXPECT_TRUE(loop.turn_until([&] { return pids().size() == 1; }));
  static_cast<void>(dir.write("go", ""));
  siginfo_t supervisor{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pids().front()), &supervisor, WEXITED | WNOWAIT), 0);
  timers.step(config.timeout);
  if (!loop.turn_until([&] { return ended; })) std::abort();  // it would write to this frame
  EXPECT_FALSE(failure);
  EXPECT_EQ(value, "tok-12345678");
}

TEST_F(HostileCommand, CommandHangs_IsTerminated) {
  expect_timed_out("trap 'echo told > \"$1/told\"; exit 0' TERM; sleep 1000 & echo $$ >> \"$1/pids\"; wait\n");
  EXPECT_EQ(file("told"), "told\n");
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(HostileCommand, ShellEndsWhenItIsAsked_WhatItStartedHasTheTimeToCleanUp) {
  expect_timed_out(
      // In the background: a shell misses a signal that comes while it starts a command in the foreground.
      "(trap 'sleep 0.05; echo clean > \"$1/clean\"; exit' TERM; sleep 1000 & echo $$ >> \"$1/pids\"; wait) &\n"
      "wait\n");
  EXPECT_EQ(file("clean"), "clean\n");
}

TEST_F(HostileCommand, CommandIgnoresSigterm_IsKilled) {
  expect_timed_out("trap '' TERM; echo $$ >> \"$1/pids\"; while :; do sleep 1000; done\n");
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(HostileCommand, CommandClosesItsOutputAndContinues_IsKilled) {
  expect_timed_out("exec >&- 2>&-; echo $$ >> \"$1/pids\"; sleep 1000\n");
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(HostileCommand, CommandStopsItsSupervisor_IsKilled) {
  expect_timed_out("trap '' TERM; kill -STOP $PPID; echo $$ >> \"$1/pids\"; sleep 1000\n");
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(HostileCommand, ChildrenStartTheirOwnSessions_AllAreKilled) {
  expect_timed_out(
      "echo $$ >> \"$1/pids\"\n"
      "setsid sh -c 'trap \"\" TERM HUP; echo $$ >> \"$0/pids\"; setsid sh -c \"echo \\$\\$ >> \\\"$0/pids\\\"; sleep "
      "1000\" & sleep 1000' \"$1\" &\n"
      "sleep 1000\n",
      3);
  EXPECT_EQ(pids().size(), 3U);
}

TEST_F(HostileCommand, CommandLeavesADaemon_TokenIsReadAndDaemonIsKilled) {
  const auto token =
      fetch_by(script("(setsid sh -c 'trap \"\" TERM HUP; echo $$ >> \"$0/pids\"; exec sleep 1000' \"$1\" &)\n"
                      "while [ ! -s \"$1/pids\" ]; do sleep 0.01; done\n" +
                      std::string(print_token)));
  EXPECT_EQ(token.value.reveal(), "tok-12345678");
  EXPECT_EQ(pids().size(), 1U);
  EXPECT_TRUE(all_gone()) << "the answer is given when everything is gone";
}

// Each process starts two, in sessions of their own, six levels deep.
TEST_F(HostileCommand, CommandIsAForkBomb_AllProcessesAreKilled) {
  expect_timed_out(
      "trap '' TERM; echo $$ >> \"$1/pids\"\n"
      "if [ ${2:-6} -gt 0 ]; then\n"
      "  setsid sh \"$0\" \"$1\" $((${2:-6} - 1)) & setsid sh \"$0\" \"$1\" $((${2:-6} - 1)) &\n"
      "fi\n"
      "sleep 1000 & wait\n",
      20);
}

TEST_F(HostileCommand, OutputIsEndless_CommandIsKilled) {
  const auto e = failure_of(script("echo $$ >> \"$1/pids\"; exec yes\n"));
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), HasSubstr("more than response.max_body (1MiB)"));
  EXPECT_TRUE(loop.turn_until([&] { return all_gone(); }));
}

TEST_F(HostileCommand, StderrIsEndless_CommandIsKilledAndLogIsLimited) {
  testing::internal::CaptureStderr();
  expect_timed_out("yes complaint | head -c 1000000 >&2; echo $$ >> \"$1/pids\"; exec yes complaint >&2\n");
  EXPECT_LT(testing::internal::GetCapturedStderr().size(), 8192U);
}

TEST_F(HostileCommand, FetchIsCancelled_CommandIsKilled) {
  const auto hanging = source_by(script("trap '' TERM; echo $$ >> \"$1/pids\"; while :; do sleep 1000; done\n"));
  boost::asio::cancellation_signal cancel;
  bool ended = false;
  boost::asio::co_spawn(
      loop.context, hanging->fetch({}),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failed, agent::FetchedToken /*token*/) {
        ended = true;
        EXPECT_THROW(std::rethrow_exception(failed), boost::system::system_error);
      }));
  ASSERT_TRUE(loop.turn_until([&] { return !pids().empty(); }));
  cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop.turn_until([&] { return ended; }));
  EXPECT_TRUE(loop.turn_until([&] { return all_gone(); }));
}

}  // namespace
}  // namespace jeton::test
