// `jetonctl history`, as a process, against a real agent API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::agent {
namespace {

using test::FakeStatus;
using test::RunResult;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

HistoryEvent event_of(const std::string& event, const std::string& host, const std::string& text) {
  HistoryEvent one;
  one.at = from_unix_ms(1'795'000'000'000);
  one.event = event;
  one.host = host;
  one.text = text;
  return one;
}

TEST(CtlHistory, EventsAreThere_EachIsALineOldestFirst) {
  test::CtlHost host;
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat");
    TokenHistory& history = status.histories["wechat"];
    HistoryEvent received = event_of("received", "host-2", "");
    received.generation = 7;
    history.note(received);
    HistoryEvent failed = event_of("failed", "host-1", "answered 503 \033[31m");
    failed.lasts = Milliseconds(4000);
    history.note(failed);
  });
  const RunResult result = host.ctl({"history", "wechat"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out,
              ContainsRegex("TIME +EVENT +GENERATION +HOST +NOTE\n"
                            "2026-11-18T11:06:40Z  received  7 +host-2\n"
                            "2026-11-18T11:06:40Z  failed +- +host-1 +next try in 4s: answered 503 .\\[31m"));
  const auto json = nlohmann::json::parse(host.ctl({"history", "wechat", "--json"}).out);
  EXPECT_EQ(json["events"][1]["lasts_ms"], 4000);
}

TEST(CtlHistory, NothingHasHappened_SaysSo) {
  test::CtlHost host;
  host.start_agent().on_loop([](FakeStatus& status) {
    status.add("wechat");
    status.histories["wechat"];
  });
  EXPECT_EQ(host.ctl({"history", "wechat"}).out, "nothing has happened yet\n");
}

TEST(CtlHistory, NoAgentAnswers_ExitStatusIsTwo) {
  test::CtlHost host;
  const RunResult result = host.ctl({"history", "wechat"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("the agent does not answer"));
}

}  // namespace
}  // namespace jeton::agent
