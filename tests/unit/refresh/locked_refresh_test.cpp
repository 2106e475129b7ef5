#include "agent/refresh/locked_refresh.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "agent/record/record_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using Calls = std::vector<std::string>;
using std::chrono::hours;
using std::chrono::minutes;

struct LockedParts : RefreshParts {
  LockedParts() {
    source.token.value = agent::SecretString("new");
    source.token.issued_at = loop.clock.wall_now();
    source.token.expires_at = source.token.issued_at + hours(1);
  }
  void run(std::uint64_t fence = 100) { loop.run(refresh.run(path, lease(fence))); }

  agent::StateKeeper state{nullptr, current, loop.clock, journal};
  agent::LockedRefresh refresh{
      config, {loop.timers, source, "host", current, timing, request, rejections, view, pauses, state, journal}};
};

TEST(LockedRefresh, ProviderAnswers_IsPublishedUnderTheFenceAndTheLockGivenBackWithIt) {
  LockedParts parts;
  parts.run(77);
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "publish"}));
  EXPECT_EQ(parts.fleet.stored->generation, 77U);
  EXPECT_EQ(parts.fleet.stored->fetched_by, "host");
  EXPECT_EQ(parts.current.generation(), 77U);
}

TEST(LockedRefresh, FenceIsBelowTheCurrentGeneration_IsPublishedAboveIt) {
  LockedParts parts;
  parts.take(parts.record(90, minutes(1)));
  parts.loop.pass(minutes(2));
  parts.run(77);
  EXPECT_GT(parts.fleet.stored->generation, 90U);
}

TEST(LockedRefresh, FencesOfTwoHostsAreBelowTheSameGeneration_TokensHaveTwoGenerations) {
  LockedParts one;
  LockedParts other;
  static_cast<void>(other.loop.random.uniform());  // chance of its own
  for (LockedParts* parts : {&one, &other}) {
    parts->take(parts->record(90, minutes(1)));
    parts->loop.pass(minutes(2));
    parts->run(77);
  }
  EXPECT_NE(one.fleet.stored->generation, other.fleet.stored->generation);
}

TEST(LockedRefresh, AnotherHostWasFaster_DoesNotFetch) {
  LockedParts parts;
  parts.take(parts.record(99, hours(2)));
  parts.run();
  EXPECT_EQ(parts.fleet.calls, Calls{"release"});
  EXPECT_EQ(parts.source.fetches, 0);
}

// With a real clock the lock is there in the millisecond in which the refresh is due.
TEST(LockedRefresh, IsDueInThisMillisecond_Fetches) {
  LockedParts parts;
  parts.take(parts.record(90, hours(2)));
  parts.loop.pass(*parts.current.refresh_due() - parts.now());
  parts.loop.virtual_clock().a_look_takes = std::chrono::nanoseconds(50);
  parts.run(100);
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "publish"}));
}

TEST(LockedRefresh, TokenArrivesWhileTheCallIsAdmitted_DoesNotFetch) {
  LockedParts parts;
  parts.fleet.while_admitting = [&] { parts.take(parts.record(99, hours(2))); };
  parts.run();
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "release"}));
  EXPECT_EQ(parts.source.fetches, 0);
}

TEST(LockedRefresh, CallIsNotAdmitted_DoesNotFetch) {
  LockedParts parts;
  parts.fleet.admission = {.refusal = agent::FetchRefusal::lock_lost, .retry_at = parts.now()};
  parts.run();
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "release"}));
  EXPECT_EQ(parts.source.fetches, 0);
}

TEST(LockedRefresh, FetchFails_SharesAPauseBeforeTheLockIsGivenBack) {
  LockedParts parts;
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::permanent, "refused");
  parts.run();
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "pause", "release"}));
}

TEST(LockedRefresh, FetchFailsAndBringsAState_TheStateIsPublishedWithTheTokenThatIsThere) {
  LockedParts parts;
  parts.take(parts.record(5, hours(1)));
  parts.request.make(agent::RefreshRequest::Reason::asked, parts.current.record());
  parts.loop.pass(minutes(1));
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::transient, "no token in the answer");
  parts.source.failure->set_state(agent::SecretString("next"));
  parts.run();
  EXPECT_EQ(parts.fleet.calls, (Calls{"admit", "publish", "pause", "release"}));
  EXPECT_TRUE(parts.fleet.stored->state == agent::SecretString("next"));
  EXPECT_TRUE(parts.fleet.stored->value == agent::SecretString("token-5"));
  EXPECT_EQ(parts.fleet.stored->token_generation(), 5U);
}

TEST(LockedRefresh, CallHasEnded_IsCountedByReasonAndOutcome) {
  using agent::RefreshOutcome;
  using agent::RefreshReason;
  LockedParts parts;
  parts.run(5);
  EXPECT_EQ(parts.tally.count(RefreshReason::missing, RefreshOutcome::success), 1U);

  parts.request.make(agent::RefreshRequest::Reason::asked, parts.current.record());
  parts.loop.pass(minutes(1));
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::transient, "no answer");
  parts.run(6);
  EXPECT_EQ(parts.tally.count(RefreshReason::asked, RefreshOutcome::temporary), 1U);

  parts.loop.pass(hours(1));
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::permanent, "refused");
  parts.run(7);
  EXPECT_EQ(parts.tally.count(RefreshReason::asked, RefreshOutcome::permanent), 1U) << "the request is still open";

  std::uint64_t calls = 0;
  for (const RefreshReason reason : agent::RefreshTally::reasons) {
    for (const RefreshOutcome outcome : agent::RefreshTally::outcomes) calls += parts.tally.count(reason, outcome);
  }
  EXPECT_EQ(calls, 3U) << "and nothing else";
}

TEST(LockedRefresh, NoCallIsMade_NothingIsCounted) {
  LockedParts parts;
  parts.fleet.admission = {.refusal = agent::FetchRefusal::lock_lost, .retry_at = parts.now()};
  parts.run();
  for (const agent::RefreshOutcome outcome : agent::RefreshTally::outcomes) {
    EXPECT_EQ(parts.tally.count(agent::RefreshReason::missing, outcome), 0U);
  }
}

// The agent is stopped in the same turn of the loop in which the answer comes.
TEST(LockedRefresh, StopComesWithTheAnswer_AnswerIsPublishedAndTheLockGivenBack) {
  for (const bool fails : {false, true}) {
    LockedParts parts;
    boost::asio::cancellation_signal stop;
    parts.source.before_answer = [&] { stop.emit(boost::asio::cancellation_type::terminal); };
    if (fails) {
      parts.source.failure = agent::SourceError(agent::SourceError::Kind::transient, "no token in the answer");
      parts.source.failure->set_state(agent::SecretString("next"));
    }
    bool cancelled = false;
    boost::asio::co_spawn(parts.loop.context, parts.refresh.run(parts.path, parts.lease()),
                          boost::asio::bind_cancellation_slot(
                              stop.slot(), [&](std::exception_ptr failure) { cancelled = failure != nullptr; }));
    EXPECT_TRUE(parts.loop.turn_until([&] { return cancelled; }));
    ASSERT_TRUE(parts.fleet.stored) << fails;
    EXPECT_EQ(parts.fleet.stored->state.empty(), !fails);
  }
}

// Stops the refresh in its publication, of which the store hears nothing.
void stop_in_the_publication(LockedParts& parts) {
  boost::asio::cancellation_signal stop;
  parts.fleet.before_publishing = [&]() -> agent::Task<> {
    agent::Event never(parts.loop.timers);
    co_await never.wait();
  };
  bool cancelled = false;
  boost::asio::co_spawn(parts.loop.context, parts.refresh.run(parts.path, parts.lease()),
                        boost::asio::bind_cancellation_slot(
                            stop.slot(), [&](std::exception_ptr failure) { cancelled = failure != nullptr; }));
  ASSERT_TRUE(parts.loop.turn_until([&] { return parts.fleet.times("publish") == 1; }));
  stop.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(parts.loop.turn_until([&] { return cancelled; }));
}

// The next loop, or the next agent of this host, publishes it: the provider may have ended the token before it.
TEST(LockedRefresh, StopComesDuringThePublication_TokenIsCurrentOnThisHost) {
  LockedParts parts;
  stop_in_the_publication(parts);
  EXPECT_EQ(parts.current.generation(), 100U);
  EXPECT_EQ(parts.segment.generation(), 100U);
  EXPECT_EQ(parts.fleet.times("release"), 0) << "others wait for the lock to expire";
  EXPECT_EQ(parts.tally.count(agent::RefreshReason::missing, agent::RefreshOutcome::success), 1U);
}

TEST(LockedRefresh, StopComesDuringThePublicationOfAState_PauseIsLeftToTheNextLoop) {
  LockedParts parts;
  parts.fleet.failing = {"pause"};
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::permanent, "no token in the answer");
  parts.source.failure->set_state(agent::SecretString("next"));
  stop_in_the_publication(parts);
  EXPECT_TRUE(parts.current.record()->state == agent::SecretString("next"));
  EXPECT_TRUE(parts.pauses.legacy().own);
}

// It may be the only place of the next refresh token, and the publication may wait for the end of an outage.
TEST(LockedRefresh, AnswerCannotBeRead_IsKeptBeforeThePublication) {
  LockedParts parts;
  TempDir dir;
  agent::RecordFile file(dir.path(), "api", agent::FleetCodec{});
  agent::StateKeeper state(&file, parts.current, parts.loop.clock, parts.journal);
  agent::LockedRefresh refresh(parts.config,
                               {parts.loop.timers, parts.source, "host", parts.current, parts.timing, parts.request,
                                parts.rejections, parts.view, parts.pauses, state, parts.journal});
  parts.source.failure = agent::SourceError(agent::SourceError::Kind::permanent, "not JSON");
  parts.source.failure->set_state(agent::SecretString("spent"));
  parts.source.failure->set_unread_answer(agent::SecretString("bytes"));
  std::size_t kept = 0;
  parts.fleet.before_publishing = [&]() -> agent::Task<> {
    kept = agent::UnreadAnswers(dir.path(), "api", agent::FleetCodec{}).all().size();
    co_return;
  };
  parts.loop.run(refresh.run(parts.path, parts.lease()));
  EXPECT_EQ(kept, 1U);
}

// Another host fetched what the operator asked for here.
TEST(LockedRefresh, OperatorHasWhatWasAskedFor_LaterFetchIsNotAskedFor) {
  LockedParts parts;
  parts.request.make(agent::RefreshRequest::Reason::asked, parts.current.record());
  parts.take(parts.record(50, minutes(1)));
  parts.loop.pass(minutes(2));
  parts.run();
  EXPECT_FALSE(parts.source.last.asked_for);
}

TEST(LockedRefresh, OperatorAsked_SourceLearnsIt) {
  LockedParts parts;
  parts.run(1);
  EXPECT_FALSE(parts.source.last.asked_for);
  parts.loop.pass(minutes(1));
  parts.request.make(agent::RefreshRequest::Reason::asked, parts.current.record());
  parts.loop.pass(minutes(1));
  parts.run(2);
  EXPECT_TRUE(parts.source.last.asked_for);
}

TEST(LockedRefresh, OwnClaimIsHeard_DoesNotHoldThisHostBackAfterwards) {
  LockedParts parts;
  parts.fleet.admission = {.refusal = agent::FetchRefusal::lock_lost, .retry_at = parts.now()};
  parts.view.hear_claim(parts.now() + minutes(1));
  parts.run();
  EXPECT_EQ(parts.view.claimed_until(), agent::BootTime{});
}

TEST(LockedRefresh, OutageOfTheCoordinator_EverythingGoesByTheStandalonePath) {
  LockedParts parts;
  parts.loop.run(parts.refresh.run(parts.standalone, parts.lease()));
  EXPECT_EQ(parts.own.calls, (Calls{"admit", "publish"}));
  EXPECT_EQ(parts.fleet.calls, Calls{});
  EXPECT_EQ(parts.current.generation(), 100U);
}

}  // namespace
}  // namespace jeton::test
