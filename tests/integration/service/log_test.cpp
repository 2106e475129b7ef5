// The log of a real agent: events with ids, repeats that are left out, and the level at run time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class AgentLog : public testing::Test {
 protected:
  static AgentSettings settings(const std::string& url) {
    AgentSettings settings;
    settings.token_url = url;
    settings.refresh = "{min_interval: 0ms, retry: {initial: 10ms, max: 100ms}}";
    settings.log_level = "info";
    return settings;
  }
  void start_with_json() {
    std::string yaml = agent_yaml(agent_.settings(), agent_.runtime_dir());
    yaml.replace(yaml.find("format: text"), 12, "format: json");
    agent_.write_config(yaml);
    agent_.start();
  }
  RunResult ctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {JETONCTL, "--dir", agent_.runtime_dir().string()});
    return run(words);
  }
  [[nodiscard]] std::size_t count(const std::string& event) const {
    std::size_t found = 0;
    std::istringstream lines(agent_.log());
    for (std::string line; std::getline(lines, line);) {
      const Json json = Json::parse(line, nullptr, false);
      if (json.is_object() && json.value("event", "") == event) ++found;
    }
    return found;
  }

  FaultProvider provider_{{.lifetime = seconds(600)}};
  AgentProcess agent_{settings(provider_.url())};
};

TEST_F(AgentLog, TokenIsFetched_EachLineHasItsEvent) {
  start_with_json();
  ASSERT_TRUE(eventually([&] { return count("token_refreshed") == 1; })) << agent_.log();
  EXPECT_EQ(count("started"), 1U);
}

TEST_F(AgentLog, FetchFailsAgainAndAgain_RepeatsAreLeftOut) {
  provider_.behave(Behaviour::failure(503));
  start_with_json();
  ASSERT_TRUE(eventually([&] { return provider_.counts().requests > 40; }));
  EXPECT_TRUE(eventually([&] { return count("fetch_failed") >= 1; }));
  EXPECT_LE(count("fetch_failed"), 20U) << "16 at once, and one a minute";
}

TEST_F(AgentLog, LevelIsChangedAtRunTime_HoldsForLaterLines) {
  start_with_json();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  EXPECT_EQ(ctl({"log-level"}).out, "info\n");
  EXPECT_EQ(ctl({"log-level", "error"}).out, "error\n");
  EXPECT_TRUE(agent_.logs(R"("level":"info","message":"the level of the log was changed","new_level":"error")"))
      << "said before the level leaves it out, and at its own level";
  const auto before = agent_.generation();
  EXPECT_EQ(ctl({"refresh", "api"}).status, 0);
  ASSERT_TRUE(eventually([&] { return agent_.generation() > before; }));
  EXPECT_EQ(ctl({"log-level", "info"}).status, 0);
  EXPECT_TRUE(agent_.logs("the level of the log was changed"));
  EXPECT_EQ(count("refresh_asked"), 0U);
  const RunResult wrong = ctl({"log-level", "loud"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("trace, debug, info, warning or error"));
}

}  // namespace
}  // namespace jeton::test
