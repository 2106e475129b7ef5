// `jetonctl doctor`, as a process, against a real agent API and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::FakeStatus;
using test::RunResult;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr int problem_found = 6;

class CtlDoctor : public ::testing::Test {
 protected:
  // Without the findings about this machine, which may be warnings.
  static Json about(const Json& report, const std::string& subject) {
    Json found = Json::array();
    for (const Json& one : report["findings"]) {
      if (one["subject"].get<std::string>().starts_with(subject)) found.push_back(one);
    }
    return found;
  }
  Json report(int status) {
    const RunResult result = host.ctl({"doctor", "--json"});
    EXPECT_EQ(result.status, status) << result.out << result.err;
    return Json::parse(result.out);
  }
  CtlHost host;
};

TEST_F(CtlDoctor, AgentAndTokensAreGood_ExitStatusIsZero) {
  host.publish(host.add("wechat"), host.record(7));
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat");
    status.findings = {{Finding::Level::ok, "redis redis://cache:6379/0", "Redis 7.0.15"}};
  });
  const Json found = report(0);
  EXPECT_EQ(found["problems"], 0);
  EXPECT_EQ(about(found, "token wechat")[0]["level"], "ok");
  EXPECT_EQ(about(found, "coordinator redis")[0]["level"], "ok");
  EXPECT_EQ(about(found, "redis redis://cache")[0]["text"], "Redis 7.0.15");
  EXPECT_THAT(about(found, "permissions")[0]["text"].get<std::string>(), HasSubstr("may read wechat"));
  EXPECT_EQ(about(found, "runtime_dir")[0]["level"], "ok");
}

TEST_F(CtlDoctor, AgentFindsAProblem_ItIsFirstWithWhatToType) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat");
    status.findings = {
        {Finding::Level::problem, "memlock", "tokens may be swapped", "sudo systemctl edit jeton-agent"}};
  });
  const RunResult result = host.ctl({"doctor"});
  EXPECT_EQ(result.status, problem_found);
  EXPECT_THAT(result.out, StartsWith("problem  memlock: tokens may be swapped\n"
                                     "         type: sudo systemctl edit jeton-agent\n"));
  EXPECT_THAT(result.out, ContainsRegex("[0-9]+ checks: 1 problem, "));
  EXPECT_THAT(result.out, Not(HasSubstr("\033"))) << "no colours into a file";
}

TEST_F(CtlDoctor, TokensAreInTrouble_EachIsNamedWithItsReason) {
  host.start_agent().on_loop([](FakeStatus& status) {
    TokenStatus& expired = status.add("wechat");
    expired.state = TokenState::expired;
    expired.last_error = "https://api.example.com/token answered 401";
    expired.last_error_at = status.agent_status().now - std::chrono::minutes(7);
    TokenStatus& paused = status.add("shop");
    paused.paused_until = status.agent_status().now + std::chrono::minutes(10);
    paused.pause_reason = "429";
    TokenStatus& spent = status.add("spent");
    spent.calls_allowed = 2000;
    spent.calls_reserved = 10;
    spent.calls_used = 1990;
  });
  const Json found = report(problem_found);
  const Json expired = about(found, "token wechat")[0];
  EXPECT_EQ(expired["level"], "problem");
  EXPECT_THAT(expired["text"].get<std::string>(), AllOf(HasSubstr("has expired"), HasSubstr("7m"), HasSubstr("401")));
  EXPECT_EQ(expired["remedy"], "jetonctl history wechat");
  EXPECT_EQ(about(found, "token shop")[0]["level"], "warning");
  const Json budget = about(found, "token spent")[1];
  EXPECT_EQ(budget["level"], "problem");
  EXPECT_THAT(budget["text"].get<std::string>(), HasSubstr("1990 of 2000 calls"));
}

TEST_F(CtlDoctor, PauseOutlastsTheToken_IsAProblem) {
  host.start_agent().on_loop([](FakeStatus& status) {
    TokenStatus& paused = status.add("wechat");
    paused.expires_at = status.agent_status().now + std::chrono::minutes(2);
    paused.paused_until = status.agent_status().now + std::chrono::minutes(5);
    paused.pause_reason = "https://api.example.com/token answered 401";
  });
  const Json found = about(report(problem_found), "token wechat")[0];
  EXPECT_EQ(found["level"], "problem");
  EXPECT_THAT(found["text"].get<std::string>(), AllOf(HasSubstr("nothing is fetched before that"), HasSubstr("401")));
  EXPECT_THAT(found["remedy"].get<std::string>(), StartsWith("sudo jetonctl refresh wechat"));
}

TEST_F(CtlDoctor, OutputsFail_EachFileAndEachHookIsAProblem) {
  host.start_agent().on_loop([](FakeStatus& status) {
    HookStatus hook;
    hook.action = "reload nginx.service";
    hook.last_error = "Access denied";
    OutputStatus good;
    good.path = "/run/out/good";
    good.state = OutputStatus::State::written;
    OutputStatus failing = good;
    failing.path = "/run/out/full";
    failing.state = OutputStatus::State::failing;
    failing.last_error = "No space left on device";
    failing.on_change = hook;
    OutputStatus shared = good;
    shared.path = "/run/out/shared";
    shared.on_change = hook;
    status.add("wechat").outputs = {good, failing, shared};
  });
  const Json found = report(problem_found);
  ASSERT_EQ(about(found, "output").size(), 1U) << found;
  EXPECT_EQ(about(found, "output")[0]["subject"], "output /run/out/full");
  EXPECT_THAT(about(found, "output")[0]["text"].get<std::string>(), HasSubstr("No space left on device"));
  EXPECT_EQ(about(found, "output")[0]["remedy"], "jetonctl status wechat");
  ASSERT_EQ(about(found, "on_change").size(), 1U) << "two outputs share it";
  EXPECT_THAT(about(found, "on_change")[0]["text"].get<std::string>(),
              AllOf(HasSubstr("reload nginx.service failed"), HasSubstr("Access denied")));
}

TEST_F(CtlDoctor, TwoHooksRunTheSameProgramAndFail_EachIsAProblem) {
  host.start_agent().on_loop([](FakeStatus& status) {
    HookStatus hook;
    hook.action = "run /bin/sh";
    hook.last_error = "/bin/sh ended with status 1";
    hook.id = "a";
    OutputStatus first;
    first.path = "/run/out/first";
    first.on_change = hook;
    OutputStatus second = first;
    second.path = "/run/out/second";
    second.on_change->id = "b";
    OutputStatus third = second;
    third.path = "/run/out/third";
    status.add("wechat").outputs = {first, second, third};
  });
  const Json found = about(report(problem_found), "on_change");
  ASSERT_EQ(found.size(), 2U) << found;
  EXPECT_EQ(found[0]["subject"], "on_change of output /run/out/first");
  EXPECT_EQ(found[1]["subject"], "on_change of output /run/out/second") << "the third one shares it";
}

TEST_F(CtlDoctor, CoordinatorIsAway_IsAProblemWithItsError) {
  host.start_agent().on_loop([](FakeStatus& status) {
    status.agent().coordinator.reachable = false;
    status.agent().coordinator.last_error = "redis://cache:6379/0: connection refused";
  });
  const Json found = about(report(problem_found), "coordinator redis")[0];
  EXPECT_EQ(found["level"], "problem");
  EXPECT_THAT(found["text"].get<std::string>(), HasSubstr("connection refused"));
  EXPECT_THAT(found["remedy"].get<std::string>(), HasSubstr("journalctl")) << "not the command that has just run";
}

TEST_F(CtlDoctor, AgentIsOfAnotherVersion_IsAWarning) {
  host.start_agent().on_loop([](FakeStatus& status) { status.agent().version = "0.0.9"; });
  const Json found = about(report(0), "agent");
  EXPECT_EQ(found[1]["level"], "warning");
  EXPECT_THAT(found[1]["text"].get<std::string>(), HasSubstr("the agent is 0.0.9"));
}

TEST_F(CtlDoctor, NoAgentAnswers_SaysWhatCanBeSaidAll) {
  host.publish(host.add("wechat"), host.record(7));
  const Json found = report(problem_found);
  EXPECT_EQ(about(found, "agent")[0]["level"], "problem");
  EXPECT_THAT(about(found, "agent")[0]["text"].get<std::string>(), HasSubstr("agent.sock"));
  EXPECT_THAT(about(found, "permissions")[0]["text"].get<std::string>(), HasSubstr("may read wechat"));
}

TEST_F(CtlDoctor, NoAgentAnswers_SaysHowLongReadersHaveEachToken) {
  host.publish(host.add("good"), host.record(7));
  host.publish(host.add("old"), host.record(8, -std::chrono::seconds(5)));
  host.add("new");
  const Json found = report(problem_found);
  EXPECT_EQ(about(found, "segment good")[0]["level"], "ok");
  EXPECT_THAT(about(found, "segment good")[0]["text"].get<std::string>(), HasSubstr("1h 59m"));
  EXPECT_EQ(about(found, "segment old")[0]["level"], "problem");
  EXPECT_THAT(about(found, "segment old")[0]["text"].get<std::string>(), HasSubstr("readers get no token"));
  EXPECT_EQ(about(found, "segment new")[0]["level"], "problem");
}

TEST_F(CtlDoctor, AgentHungLongAgo_ItsLastHeartbeatIsAProblem) {
  SegmentStore& wechat = host.add("wechat");
  host.publish(wechat, host.record(7));
  wechat.heartbeat(SystemClock().wall_now() - std::chrono::minutes(5) - std::chrono::seconds(30));
  host.start_agent();
  EXPECT_THAT(about(report(problem_found), "segment wechat")[0]["text"].get<std::string>(), HasSubstr("5m"));
}

TEST_F(CtlDoctor, NoAgentEverRan_IsAProblem) {
  const RunResult result = test::run({JETONCTL, "--dir", host.dir() / "nowhere", "doctor"});
  EXPECT_EQ(result.status, problem_found);
  EXPECT_THAT(result.out, HasSubstr("no agent has run here"));
}

TEST_F(CtlDoctor, OthersMayWriteTheDirectory_IsAProblem) {
  ASSERT_EQ(::chmod(host.dir().c_str(), 0777), 0);
  EXPECT_THAT(about(report(problem_found), "runtime_dir")[0]["remedy"].get<std::string>(), HasSubstr("chmod go-w"));
}

TEST_F(CtlDoctor, UserIsNoAdmin_SaysWhatWasNotExaminedAndWhichTokensAreDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run jetonctl as another user";
  host.publish(host.add("wechat"), host.record(7));
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat");
    status.findings = {{Finding::Level::problem, "memlock", "secret of the admins"}};
  });
  test::ProcessOptions nobody;
  nobody.uid = 65534;
  nobody.gid = 65534;
  const RunResult result = host.ctl({"doctor", "--json"}, nobody);
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_THAT(result.out, Not(HasSubstr("secret of the admins")));
  const Json found = Json::parse(result.out);
  EXPECT_EQ(about(found, "permissions")[0]["level"], "warning");
  EXPECT_THAT(about(found, "permissions")[0]["text"].get<std::string>(), HasSubstr("may read no token: wechat"));
  EXPECT_EQ(about(found, "agent")[1]["remedy"], "sudo jetonctl doctor");
}

}  // namespace
}  // namespace jeton::agent
