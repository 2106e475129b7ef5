// The parts of `jetonctl doctor`: the unit as systemctl shows it, programs of the system, findings as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libclient/ctl/doctor.hpp"
#include "libclient/ctl/program.hpp"

namespace jeton::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string properties(const std::string& active, const std::string& more = {}) {
  return "LoadState=loaded\nActiveState=" + active + "\nNRestarts=3\nUnitFileState=enabled\n" + more;
}

TEST(DoctorUnit, IsActive_IsFine) {
  EXPECT_EQ(judge_unit(properties("active", "Result=success\n"), true).at(0).level, Finding::Level::ok);
}

TEST(DoctorUnit, HasFailed_CommandShowsItsErrors) {
  const Finding found = judge_unit(properties("activating", "Result=exit-code\n"), false).at(0);
  EXPECT_EQ(found.level, Finding::Level::problem);
  EXPECT_EQ(found.text, "jeton-agent.service is activating (exit-code), restarted 3 times");
  EXPECT_THAT(found.remedy, HasSubstr("journalctl -u jeton-agent -p err"));
}

TEST(DoctorUnit, WasNotStarted_CommandStartsIt) {
  EXPECT_EQ(judge_unit(properties("inactive", "Result=success\n"), false).at(0).remedy,
            "sudo systemctl enable --now jeton-agent");
}

TEST(DoctorUnit, IsMasked_CommandUnmasksIt) {
  const Finding found = judge_unit("LoadState=masked\nActiveState=inactive\nUnitFileState=masked\n", false).at(0);
  EXPECT_EQ(found.level, Finding::Level::problem);
  EXPECT_THAT(found.remedy, StartsWith("sudo systemctl unmask jeton-agent"));
}

TEST(DoctorUnit, IsNotEnabled_IsAWarning) {
  EXPECT_EQ(judge_unit("LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n", true).at(0).level,
            Finding::Level::warning);
}

TEST(DoctorUnit, IsMissing_MattersOnlyWithoutAnAgent) {
  EXPECT_THAT(judge_unit("LoadState=not-found\nActiveState=inactive\n", true), IsEmpty());
  EXPECT_EQ(judge_unit("LoadState=not-found\nActiveState=inactive\n", false).at(0).level, Finding::Level::problem);
}

TEST(DoctorAgent, UserMayNotExamineIt_CommandDoesSoAsRoot) {
  const Json status{{"version", "1"}, {"coordinator", {{"backend", "redis"}, {"reachable", false}}}};
  EXPECT_EQ(judge_agent(status, "1", false).at(1).remedy, "sudo jetonctl doctor");
}

TEST(Program, Ends_GivesStatusAndBothOutputs) {
  const ProgramResult result =
      run_program({"sh", "-c", "echo out; echo err >&2; exit 3"}, InheritedState(), Milliseconds(60'000));
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "out\nerr\n");
}

TEST(Program, Hangs_IsKilled) {
  EXPECT_FALSE(run_program({"sleep", "1000"}, InheritedState(), Milliseconds(200)).status);
  const ProgramResult silent =
      run_program({"sh", "-c", "echo out; exec sleep 1000 >/dev/null 2>&1"}, InheritedState(), Milliseconds(200));
  EXPECT_FALSE(silent.status) << "though its output has ended";
}

TEST(Program, IsMissing_HasNoStatus) {
  EXPECT_FALSE(run_program({"no-such-program-of-jeton"}, InheritedState(), Milliseconds(60'000)).status);
}

TEST(Program, PrintsWithoutEnd_OutputIsBounded) {
  EXPECT_LT(run_program({"yes"}, InheritedState(), Milliseconds(500)).out.size(), 100'000U);
}

TEST(FindingText, FindingsAreMixed_TheWorstIsFirst) {
  const std::string text =
      findings_text({fine("a", "good"), doubt("b", "odd\033[31m", "look"), trouble("c", "bad", "mend it")});
  EXPECT_THAT(text, StartsWith("problem  c: bad\n         type: mend it\nwarning  b: odd?[31m\n         type: look\n"
                               "ok       a: good\n"));
  EXPECT_THAT(text, HasSubstr("3 checks: 1 problem, 1 warning\n"));
}

TEST(FindingText, AnswerIsOfAnotherVersion_IsReadAsFarAsItCanBe) {
  EXPECT_THAT(findings_in(Json()), IsEmpty());
  const Findings found = findings_in(Json::parse(R"({"findings": [{"level": "dire", "subject": 3, "text": "x"}]})"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::warning);
  EXPECT_EQ(found[0].text, "x");
}

}  // namespace
}  // namespace jeton::ctl
