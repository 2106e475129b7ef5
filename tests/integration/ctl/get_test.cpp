// `jetonctl get`, as a process on a real segment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::ProcessOptions;
using test::RunResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

ProcessOptions as_nobody() {
  ProcessOptions options;
  options.uid = 65534;
  options.gid = 65534;
  return options;
}

class CtlGet : public ::testing::Test {
 protected:
  CtlHost host;
};

TEST_F(CtlGet, NoAgentRuns_OnlyTheTokenIsPrinted) {
  host.publish(host.add("wechat"), host.record(7));
  const RunResult result = host.ctl({"get", "wechat"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "s3cret\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(CtlGet, DirectoryIsInTheEnvironment_TokenIsFoundThere) {
  host.publish(host.add("wechat"), host.record(7));
  ProcessOptions options;
  options.env["JETON_DIR"] = host.dir();
  EXPECT_EQ(test::run({JETONCTL, "get", "wechat"}, options).out, "s3cret\n");
}

TEST_F(CtlGet, HeaderIsAsked_HasTheTokensTypeOrBearer) {
  SegmentStore& store = host.add("wechat");
  Record record = host.record(7);
  record.type = "MAC";
  host.publish(store, record);
  EXPECT_EQ(host.ctl({"get", "wechat", "--header"}).out, "Authorization: MAC s3cret\n");
  record.type = "";
  ++record.generation;
  host.publish(store, record);
  EXPECT_EQ(host.ctl({"get", "wechat", "--header"}).out, "Authorization: Bearer s3cret\n");
}

TEST_F(CtlGet, FormatIsJson_HasTheTokenItsMetadataAndAttributes) {
  Record record = host.record(7, std::chrono::hours(2), R"(a"b\c/ü)");
  record.attributes = {{"instance", "https://eu.example.com"}, {"scope", "read"}};
  PreviousToken previous;
  previous.value = SecretString("older");
  previous.generation = 5;
  previous.accept_until = record.issued_at + std::chrono::minutes(5);
  record.previous = std::move(previous);
  host.publish(host.add("wechat"), record);
  const RunResult result = host.ctl({"--format", "json", "get", "wechat"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["name"], "wechat");
  EXPECT_EQ(json["value"], R"(a"b\c/ü)");
  EXPECT_EQ(json["type"], "Bearer");
  EXPECT_EQ(json["generation"], 7);
  EXPECT_EQ(json["rejected"], false);
  EXPECT_EQ(json["fetched_by"], "host-2");
  EXPECT_EQ(json["issued_at_ms"], to_unix_ms(record.issued_at));
  EXPECT_EQ(json["expires_at_ms"], to_unix_ms(record.expires_at));
  EXPECT_GT(json["expires_in_ms"], 0);
  EXPECT_EQ(json["previous"]["generation"], 5);
  EXPECT_EQ(json["attributes"], Json::parse(R"({"instance":"https://eu.example.com","scope":"read"})"));
  EXPECT_THAT(result.out, Not(HasSubstr("older")));
}

TEST_F(CtlGet, TokenIsMissingOrExpired_ExitStatusIsThree) {
  host.add("none");
  SegmentStore& store = host.add("expired");
  host.publish(store, host.record(7, -std::chrono::seconds(1)));
  for (const char* name : {"none", "expired"}) {
    const RunResult result = host.ctl({"get", name});
    EXPECT_EQ(result.status, 3) << name;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("jetonctl status")) << "says what to do";
  }
}

TEST_F(CtlGet, LifetimeLeftIsBelowMinTtl_ExitStatusIsThree) {
  host.publish(host.add("wechat"), host.record(7, std::chrono::minutes(30)));
  EXPECT_EQ(host.ctl({"get", "wechat", "--min-ttl", "20m"}).status, 0);
  const RunResult result = host.ctl({"get", "wechat", "--min-ttl", "1h"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("less than --min-ttl 1h"));
}

TEST_F(CtlGet, MinTtlWithWait_WaitsForATokenThatLivesLongEnough) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, std::chrono::minutes(30)));
  test::Process waiting(host.command({"get", "wechat", "--min-ttl", "1h", "--wait", "5m"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(store, host.record(8, std::chrono::minutes(40), "still-too-short"));
  host.publish(store, host.record(9, std::chrono::hours(2), "long-enough"));
  EXPECT_EQ(waiting.wait(), 0) << waiting.err();
  EXPECT_EQ(waiting.out(), "long-enough\n");
}

// The same token, given again, keeps its generation.
TEST_F(CtlGet, SameTokenLivesLongerNow_WaitEnds) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, std::chrono::minutes(30)));
  test::Process waiting(host.command({"get", "wechat", "--min-ttl", "1h", "--wait", "24h"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(store, host.record(7, std::chrono::hours(2)));
  EXPECT_EQ(waiting.wait(), 0) << waiting.err();
  EXPECT_EQ(waiting.out(), "s3cret\n");
}

TEST_F(CtlGet, SegmentDoesNotExistYet_WaitEndsWithTheToken) {
  test::Process waiting(host.command({"get", "wechat", "--wait", "5m"}));
  ASSERT_TRUE(host.waits(waiting));
  host.publish(host.add("wechat"), host.record(7));
  EXPECT_EQ(waiting.wait(), 0) << waiting.err();
  EXPECT_EQ(waiting.out(), "s3cret\n");
}

TEST_F(CtlGet, WaitRunsOut_ExitStatusIsFour) {
  SegmentStore& store = host.add("wechat");
  EXPECT_EQ(host.ctl({"get", "wechat", "--wait", "20ms"}).status, 4);
  host.publish(store, host.record(7, std::chrono::minutes(30)));
  const RunResult result = host.ctl({"get", "wechat", "--min-ttl", "1h", "--wait", "20ms"});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("waited 20ms"));
  EXPECT_EQ(host.ctl({"get", "missing", "--wait", "20ms"}).status, 4);
}

TEST_F(CtlGet, NameIsUnknownToTheAgent_ExitStatusIsOneAndNameIsSuggested) {
  host.start_agent().on_loop([](auto& status) {
    status.add("github");
    status.add("wechat");
  });
  const RunResult result = host.ctl({"get", "wehcat"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("did you mean 'wechat'?"), HasSubstr("known: github, wechat")));
  EXPECT_EQ(host.ctl({"get", "something-else", "--wait", "5m"}).status, 1) << "no waiting for what never comes";
}

TEST_F(CtlGet, AgentHasNoTokenYet_ExitStatusIsThree) {
  host.start_agent().on_loop([](auto& status) { status.add("wechat"); });
  EXPECT_EQ(host.ctl({"get", "wechat"}).status, 3);
}

TEST_F(CtlGet, NeitherSegmentNorAgent_ExitStatusIsTwo) {
  host.add("github");
  const RunResult result = host.ctl({"get", "wechat"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("github"), HasSubstr("the agent does not answer")));
  const RunResult nowhere = test::run({JETONCTL, "--dir", host.dir() / "nowhere", "get", "wechat"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("no agent has run here"));
}

TEST_F(CtlGet, OtherUser_IsLetInOnlyAsAConfiguredReader) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run jetonctl as another user";
  host.publish(host.add("open", {{"nobody"}, {}}), host.record(7));
  host.publish(host.add("closed"), host.record(7));
  EXPECT_EQ(host.ctl({"get", "open"}, as_nobody()).out, "s3cret\n");
  const RunResult refused = host.ctl({"get", "closed"}, as_nobody());
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, AllOf(HasSubstr("permission denied"), HasSubstr("tokens.closed.access.groups")));
}

TEST_F(CtlGet, SegmentIsASymbolicLink_ExitStatusIsOne) {
  host.publish(host.add("wechat"), host.record(7));
  std::filesystem::create_symlink("wechat", host.dir() / "segments" / "link");
  const RunResult result = host.ctl({"get", "link"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("symbolic link"));
}

TEST_F(CtlGet, OutputCannotBeWritten_ExitStatusIsOne) {
  host.publish(host.add("wechat"), host.record(7));
  const std::vector<std::vector<std::string>> commands{{"get", "wechat"}, {"--help"}, {"--version"}, {"get", "--help"}};
  for (const std::vector<std::string>& words : commands) {
    const RunResult result = host.shell("\"$@\" > /dev/full", words);
    EXPECT_EQ(result.status, 1) << words.front();
    EXPECT_THAT(result.err, HasSubstr("cannot write to stdout"));
    EXPECT_EQ(host.shell("\"$@\" >&-", words).status, 1);
  }
}

TEST_F(CtlGet, UsageIsWrong_ExitStatusIsOneWithAHint) {
  for (const auto& [arguments, hint] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"get"}, "NAME is required"},
           {{"get", "wechat", "--wait", "5"}, "write 500ms, 30s, 5m, 24h or 7d"},
           {{"get", "wechat", "--min-ttl", "soon"}, "is not a duration"},
           {{"get", "../etc/passwd"}, "is not a token name"},
           {{"get", "wechat", "--header", "--format", "json"}, "no JSON form"},
           {{"get", "wechat", "--format", "xml"}, "write table or json"},
           {{"fetch", "wechat"}, "no command 'fetch'"},
           {{}, "there is no command"}}) {
    const RunResult result = host.ctl(arguments);
    EXPECT_EQ(result.status, 1) << hint;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr(hint));
  }
}

TEST_F(CtlGet, HelpIsAsked_FitsAnEightyColumnTerminal) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"--help"},
                                                                     {"get", "--help"},
                                                                     {"status", "--help"},
                                                                     {"watch", "--help"},
                                                                     {"wait", "--help"},
                                                                     {"exec", "--help"}}) {
    const RunResult result = host.ctl(arguments);
    EXPECT_EQ(result.status, 0);
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
  EXPECT_THAT(host.ctl({"--version"}).out, HasSubstr("jetonctl 0."));
}

}  // namespace
}  // namespace jeton::agent
