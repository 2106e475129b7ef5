#include "agent/refresh/pause_policy.hpp"

#include "tests/unit/refresh/refresh_parts.hpp"

namespace jeton::test {
namespace {

using agent::ResumeReason;
using agent::SourceError;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto transient = SourceError::Kind::transient;
constexpr auto permanent = SourceError::Kind::permanent;

SourceError failure_of(SourceError::Kind kind, std::optional<agent::Duration> retry_after = {}) {
  SourceError failure(kind, "refused", retry_after);
  failure.set_request("request");
  return failure;
}

void begin(RefreshParts& parts, const SourceError& failure) { parts.loop.run(parts.pauses.begin(failure, parts.path)); }

TEST(PausePolicy, FetchFailsForAMoment_PausesTheFleetShortlyAndForAnyRequest) {
  RefreshParts parts;
  begin(parts, failure_of(transient));
  ASSERT_EQ(parts.fleet.pauses.size(), 1U);
  EXPECT_LE(parts.fleet.pauses[0].until, parts.now() + seconds(1));
  EXPECT_EQ(parts.fleet.pauses[0].reason, "refused");
  EXPECT_EQ(parts.fleet.pauses[0].request, "");
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, FetchFailsForGood_PausesTheFleetForThisRequest) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  ASSERT_EQ(parts.fleet.pauses.size(), 1U);
  EXPECT_EQ(parts.fleet.pauses[0].until, parts.now() + parts.config.refresh.retry_permanent);
  EXPECT_EQ(parts.fleet.pauses[0].request, "request");
}

TEST(PausePolicy, ProviderAsksForALongerPause_IsObeyed) {
  RefreshParts parts;
  begin(parts, failure_of(transient, minutes(20)));
  ASSERT_EQ(parts.fleet.pauses.size(), 1U);
  EXPECT_EQ(parts.fleet.pauses[0].until, parts.now() + minutes(20));
  EXPECT_EQ(parts.fleet.pauses[0].request, "request") << "longer than every backoff: another request need not wait";
}

TEST(PausePolicy, StateMayBeSpent_WaitsForAPerson) {
  RefreshParts parts;
  SourceError failure = failure_of(transient, seconds(1));
  failure.set_spent();
  begin(parts, failure);
  ASSERT_EQ(parts.fleet.pauses.size(), 1U);
  EXPECT_EQ(parts.fleet.pauses[0].until, parts.now() + hours(24 * 7));
}

TEST(PausePolicy, CoordinatorDoesNotTakeThePause_HoldsThisHostWhateverTheCoordinatorKnows) {
  RefreshParts parts;
  parts.fleet.failing = {"pause"};
  begin(parts, failure_of(permanent));
  EXPECT_TRUE(parts.outage.since());
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, StandaloneFetchFails_HoldsThisHostWhateverTheCoordinatorKnows) {
  RefreshParts parts;
  parts.loop.run(parts.pauses.begin(failure_of(transient, minutes(20)), parts.standalone));
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_TRUE(parts.view.is_paused());
  parts.loop.pass(minutes(20) + seconds(1));
  EXPECT_FALSE(parts.view.is_paused());
}

TEST(PausePolicy, PauseThatTheFleetDidNotLearnIsOver_LaterOneEndsWithTheCoordinators) {
  for (const bool lifted : {false, true}) {
    RefreshParts parts;
    parts.loop.run(parts.pauses.begin(failure_of(transient, minutes(20)), parts.standalone));
    if (lifted) {
      parts.pauses.lift(ResumeReason::operator_asked);
    } else {
      parts.loop.pass(minutes(20) + seconds(1));
    }
    parts.pauses.hear({parts.now() + hours(1), "of anybody", {}});
    EXPECT_FALSE(parts.pauses.check({}, false));
    EXPECT_FALSE(parts.view.is_paused()) << lifted;
  }
}

TEST(PausePolicy, FleetDoesNotKnowThePause_IsNotGivenToItAndNotEndedByIt) {
  RefreshParts parts;
  parts.loop.run(parts.pauses.begin(failure_of(transient), parts.standalone));
  EXPECT_FALSE(parts.pauses.confirmed());
  parts.source.request = "another";
  parts.pauses.hear_resume(ResumeReason::request_differs);
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, OperatorLiftsWhileThePauseIsShared_IsLiftedInTheFleetAllTheSame) {
  RefreshParts parts;
  parts.fleet.while_pausing = [&] { parts.pauses.lift(ResumeReason::operator_asked); };
  begin(parts, failure_of(permanent));
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed());
  EXPECT_EQ(parts.pauses.lift_at(), parts.now());
}

TEST(PausePolicy, ResumeIsHeardWhileThePauseIsShared_EndsUnlessOurRequestIsTheRefusedOne) {
  for (const bool corrected : {false, true}) {
    RefreshParts parts;
    parts.fleet.while_pausing = [&] {
      if (corrected) parts.source.request = "another";
      parts.pauses.hear_resume(ResumeReason::request_differs);
    };
    begin(parts, failure_of(permanent));
    EXPECT_EQ(parts.view.is_paused(), !corrected);
  }
}

TEST(PausePolicy, NewerTokenIsHere_PauseInTheFilesOfTheHostEndsBeforeTheNextLock) {
  RefreshParts parts;
  parts.pauses.end_by_record(true);
  parts.loop.run(parts.standalone.try_lock());
  EXPECT_EQ(parts.own.calls, (std::vector<std::string>{"resume", "try_acquire"}));
}

TEST(PausePolicy, LoopIsReplacedAfterANewerToken_PauseInTheFilesOfTheHostEndsBeforeTheNextLock) {
  RefreshParts before;
  before.pauses.end_by_record(true);
  RefreshParts parts;
  parts.pauses.inherit(before.pauses.legacy());
  parts.loop.run(parts.standalone.try_lock());
  EXPECT_EQ(parts.own.calls, (std::vector<std::string>{"resume", "try_acquire"}));
}

TEST(PausePolicy, CoordinatorKnowsOfNoPause_Ends) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  EXPECT_FALSE(parts.pauses.check({.paused = true}, false));
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed());
}

// Of another host, which sends another request. What is heard after that is checked as ever.
TEST(PausePolicy, ResumeIsHeardAndOurRequestIsTheRefusedOne_OutlastsTheLook) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.pauses.hear_resume(ResumeReason::request_differs);
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_TRUE(parts.view.is_paused());
  parts.pauses.hear({parts.now() + hours(1), "of anybody", {}});
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_FALSE(parts.view.is_paused());
}

// The host goes on to obey it. The coordinator must not get it again after a data loss: it holds other hosts back.
TEST(PausePolicy, ResumeIsHeardAndOurRequestIsTheRefusedOne_IsNotOfTheCoordinatorAnyMore) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  ASSERT_TRUE(parts.pauses.confirmed());
  parts.pauses.hear_resume(ResumeReason::request_differs);
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed());
}

// The other host goes first: it has the operator's consent to send what may be spent.
TEST(PausePolicy, OperatorAskedOnAnotherHost_EndsWithTheNextLookWhateverOurRequestIs) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.pauses.hear_resume(ResumeReason::request_differs);
  parts.pauses.hear_resume(ResumeReason::operator_asked);
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_FALSE(parts.view.is_paused());
}

TEST(PausePolicy, CoordinatorMayHaveLostItsData_PauseGoesOnUnlessItWasLifted) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  EXPECT_TRUE(parts.pauses.check({}, true));
  EXPECT_TRUE(parts.pauses.confirmed());
  agent::FetchUsage lifted;
  lifted.resumed = agent::Resumption{parts.now() - seconds(1), ResumeReason::operator_asked};
  EXPECT_TRUE(parts.pauses.check(lifted, true)) << "that was a pause before this one";
  lifted.resumed->at = parts.now() + seconds(1);
  EXPECT_TRUE(parts.pauses.check(lifted, true));
  EXPECT_FALSE(parts.pauses.confirmed());
  EXPECT_FALSE(parts.pauses.check(lifted, false));
  EXPECT_FALSE(parts.view.is_paused());
}

TEST(PausePolicy, CoordinatorLostThePauseAndTheBudgetIsSpent_WasLostAllTheSame) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  begin(parts, failure_of(permanent));
  EXPECT_TRUE(parts.pauses.check({.calls = 10}, true));
  EXPECT_TRUE(parts.pauses.confirmed());
  EXPECT_TRUE(parts.view.is_paused());
}

// By messages that this host did not hear.
TEST(PausePolicy, PauseWasLiftedAndAnotherOneIsThere_IsNotOursAnyMore) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.source.request = "another";
  agent::FetchUsage usage{.paused = true};
  usage.resumed = agent::Resumption{parts.now() + seconds(1), ResumeReason::request_differs};
  EXPECT_FALSE(parts.pauses.check(usage, false));
  EXPECT_FALSE(parts.pauses.confirmed());
}

TEST(PausePolicy, PauseIsHeardAfterALiftThatWasNot_IsNotEndedByThatAndTheOneBeforeItIsNotOurs) {
  RefreshParts parts;
  parts.pauses.begin_confirmed({parts.now() + minutes(20), "429", {}}, parts.now());
  agent::FetchUsage usage;
  usage.resumed = agent::Resumption{parts.now() + seconds(1), ResumeReason::operator_asked};
  parts.loop.pass(seconds(2));
  parts.pauses.hear({parts.now() + hours(1), "503", {}});
  parts.pauses.check_resumed(usage);
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed());
}

// Of which the agent, started since then, knows nothing.
TEST(PausePolicy, PauseOfTheFleetWasLiftedBeforeAHoldOfThisHost_HoldGoesOn) {
  RefreshParts parts(RefreshParts::token_with_budget(10));
  parts.loop.pass(seconds(10));
  agent::FetchUsage usage{.calls = 10};
  usage.resumed = agent::Resumption{parts.now() - seconds(5), ResumeReason::operator_asked};
  parts.pauses.hold({parts.now() + minutes(50), "budget", {}});
  EXPECT_FALSE(parts.pauses.check(usage, false));
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, LoopIsReplaced_NextOneObeysThePauseThatAnotherHostLifted) {
  RefreshParts before;
  begin(before, failure_of(permanent));
  before.pauses.hear_resume(ResumeReason::request_differs);
  RefreshParts parts;
  parts.pauses.inherit(before.pauses.legacy());
  EXPECT_FALSE(parts.pauses.confirmed());
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_TRUE(parts.view.is_paused());
  parts.pauses.hear_resume(ResumeReason::operator_asked);
  EXPECT_FALSE(parts.pauses.check({}, false));
  EXPECT_FALSE(parts.view.is_paused());
}

TEST(PausePolicy, OperatorAsksWhileALiftWaitsForTheCoordinator_IsLiftedForEveryHost) {
  RefreshParts parts;
  parts.fleet.failing = {"resume"};
  begin(parts, failure_of(permanent));
  parts.pauses.lift(ResumeReason::operator_asked);
  parts.loop.run(parts.pauses.lift_in_fleet());
  parts.pauses.lift(ResumeReason::request_differs);
  parts.fleet.failing.clear();
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_EQ(parts.fleet.resumed, std::vector{ResumeReason::operator_asked});
}

TEST(PausePolicy, BudgetIsSpent_IsNoReasonToEnd) {
  RefreshParts parts(RefreshParts::token_with_budget(10, 3));
  parts.view.note_budget_spent(parts.now() + minutes(1), "budget");
  EXPECT_FALSE(parts.pauses.check({.calls = 7}, false));
  EXPECT_GT(parts.view.spent_until(), parts.now());
  EXPECT_FALSE(parts.pauses.check({.calls = 6}, false));
  EXPECT_EQ(parts.view.spent_until(), agent::BootTime{});
}

TEST(PausePolicy, PauseIsHeard_HoldsAndIsNotKnownForSure) {
  RefreshParts parts;
  parts.pauses.hear({parts.now() + minutes(1), "429", {}});
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_FALSE(parts.pauses.confirmed()) << "a message may be of anybody";
  parts.pauses.begin_confirmed({parts.now() + minutes(2), "429", {}}, parts.now());
  EXPECT_TRUE(parts.pauses.confirmed());
  parts.loop.pass(minutes(3));
  EXPECT_FALSE(parts.pauses.confirmed()) << "it has ended";
}

// After one failure of its own a host pauses for at most a second.
TEST(PausePolicy, PausesOfOthersAreHeard_TheOwnBackoffGoesOnFromThere) {
  RefreshParts parts;
  agent::Duration longest{};
  for (int round = 0; round < 10; ++round) {
    parts.pauses.end_by_record(true);
    for (int i = 1; i <= 10; ++i) parts.pauses.hear({parts.now() + minutes(i), "503", {}});
    begin(parts, failure_of(transient));
    longest = std::max(longest, parts.fleet.pauses.back().until - parts.now());
  }
  EXPECT_GT(longest, seconds(2));
}

TEST(PausePolicy, ResumeIsHeard_EndsUnlessOurRequestIsTheRefusedOne) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.pauses.hear_resume(ResumeReason::request_differs);
  EXPECT_TRUE(parts.view.is_paused());
  parts.source.request = "another";
  parts.pauses.hear_resume(ResumeReason::request_differs);
  EXPECT_FALSE(parts.view.is_paused());
}

TEST(PausePolicy, RequestIsStillTheRefusedOne_IsLookedAtAgainAndNotResumed) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  EXPECT_EQ(parts.pauses.correction_check_at(), parts.now());
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_EQ(parts.fleet.times("resume"), 0);
  EXPECT_EQ(parts.pauses.correction_check_at(), parts.now() + seconds(5));
}

TEST(PausePolicy, RequestIsAnother_ResumesTheFleet) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.source.request = "another";
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_EQ(parts.fleet.times("resume"), 1);
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_EQ(parts.pauses.correction_check_at(), agent::BootTime::max());
}

TEST(PausePolicy, RequestIsAnotherInAnOutage_EndsHereAndInTheFleetLater) {
  RefreshParts parts;
  parts.fleet.failing = {"resume"};
  parts.loop.run(parts.pauses.begin(failure_of(permanent), parts.standalone));
  parts.source.request = "another";
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_EQ(parts.own.times("resume"), 1) << "a standalone fetch asks this host's own files";
  EXPECT_GT(parts.pauses.lift_at(), parts.outage.retry_at());
  parts.fleet.failing.clear();
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_EQ(parts.fleet.times("resume"), 2);
}

TEST(PausePolicy, RequestCannotBeMade_IsNotResumed) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.source.request = "";
  parts.loop.run(parts.pauses.resume_if_corrected());
  EXPECT_EQ(parts.fleet.times("resume"), 0);
}

TEST(PausePolicy, StateIsAnother_IsAnotherRequest) {
  EXPECT_EQ(agent::request_with("request", agent::SecretString()), "request");
  EXPECT_EQ(agent::request_with("", agent::SecretString("state")), "");
  EXPECT_NE(agent::request_with("request", agent::SecretString("one")),
            agent::request_with("request", agent::SecretString("two")));
}

TEST(PausePolicy, OperatorLifts_EndsHereAtOnceAndInTheFleetSoon) {
  RefreshParts parts;
  begin(parts, failure_of(permanent));
  parts.pauses.lift(ResumeReason::operator_asked);
  EXPECT_FALSE(parts.view.is_paused());
  EXPECT_EQ(parts.pauses.lift_at(), parts.now());
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_EQ(parts.fleet.times("resume"), 1);
  EXPECT_EQ(parts.own.times("resume"), 1) << "the pause of a standalone fetch is this host's own";
  EXPECT_EQ(parts.pauses.lift_at(), agent::BootTime::max());
}

TEST(PausePolicy, PauseCannotBeLiftedInTheFleet_IsTriedAfterARefreshThatIsDue) {
  RefreshParts parts;
  parts.fleet.failing = {"resume"};
  parts.pauses.lift(ResumeReason::operator_asked);
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_GT(parts.pauses.lift_at(), parts.outage.retry_at());
  EXPECT_LT(parts.pauses.lift_at(), agent::BootTime::max());
}

TEST(PausePolicy, PauseBeganWhileALiftWaitsForTheCoordinator_IsKept) {
  RefreshParts parts;
  parts.fleet.failing = {"resume"};
  parts.pauses.lift(ResumeReason::operator_asked);
  parts.loop.run(parts.pauses.lift_in_fleet());
  parts.loop.run(parts.pauses.begin(failure_of(transient, minutes(20)), parts.standalone));
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_EQ(parts.own.times("resume"), 1);
  parts.fleet.failing.clear();
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_TRUE(parts.view.is_paused()) << "the operator asked before the provider refused once more";
}

// The operator asked during the fetch, and the coordinator went away before its end.
TEST(PausePolicy, OperatorLiftsBeforeAPauseThatCannotBeShared_PauseIsKept) {
  RefreshParts parts;
  parts.fleet.failing = {"pause"};
  parts.pauses.lift(ResumeReason::operator_asked);
  begin(parts, failure_of(transient, minutes(20)));
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_TRUE(parts.pauses.legacy().own);
}

TEST(PausePolicy, OperatorLiftsBeforeThePauseOfAStandaloneFetch_FilesOfTheHostHaveThePauseAfterTheLift) {
  RefreshParts parts;
  parts.pauses.lift(ResumeReason::operator_asked);
  parts.loop.run(parts.pauses.begin(failure_of(transient, minutes(20)), parts.standalone));
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_EQ(parts.own.calls, (std::vector<std::string>{"resume", "pause"}));
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, LoopIsReplacedWhileALiftWaitsForTheCoordinator_PauseThatBeganSinceIsKept) {
  RefreshParts before;
  before.fleet.failing = {"resume"};
  before.pauses.lift(ResumeReason::operator_asked);
  before.loop.run(before.pauses.lift_in_fleet());
  before.loop.run(before.pauses.begin(failure_of(transient, minutes(20)), before.standalone));
  RefreshParts parts;
  parts.pauses.inherit(before.pauses.legacy());
  EXPECT_TRUE(parts.view.is_paused());
  EXPECT_LE(parts.pauses.lift_at(), parts.now());
  parts.loop.run(parts.pauses.lift_in_fleet());
  EXPECT_EQ(parts.fleet.resumed, std::vector{ResumeReason::operator_asked});
  EXPECT_EQ(parts.own.times("resume"), 0) << "the pause in the files of this host";
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, PauseWasSharedWhileALiftWaitsForTheCoordinator_IsKept) {
  RefreshParts parts;
  parts.fleet.failing = {"resume"};
  parts.pauses.lift(ResumeReason::operator_asked);
  parts.loop.run(parts.pauses.lift_in_fleet());
  ASSERT_NE(parts.pauses.lift_at(), agent::BootTime::max());
  begin(parts, failure_of(transient, minutes(20)));
  EXPECT_EQ(parts.pauses.lift_at(), agent::BootTime::max());
  EXPECT_TRUE(parts.view.is_paused());
}

TEST(PausePolicy, PrerequisiteIsRenewed_ChecksAPauseForARequestNow) {
  RefreshParts parts;
  parts.pauses.check_correction_soon();
  EXPECT_EQ(parts.pauses.correction_check_at(), agent::BootTime::max()) << "there is no pause";
  begin(parts, failure_of(permanent));
  parts.loop.run(parts.pauses.resume_if_corrected());
  parts.pauses.check_correction_soon();
  EXPECT_EQ(parts.pauses.correction_check_at(), parts.now());
}

}  // namespace
}  // namespace jeton::test
