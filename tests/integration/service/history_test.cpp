// The history of a token over the runs of a real agent, as jetonctl shows it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class HistoryCommand : public testing::Test {
 protected:
  RunResult history(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv{JETONCTL, "--dir", agent_.runtime_dir().string(), "history", "api"};
    argv.insert(argv.end(), more.begin(), more.end());
    return run(argv);
  }
  std::vector<std::string> events() const {
    std::vector<std::string> names;
    const Json answer = Json::parse(history({"--json"}).out);
    for (const Json& event : answer["events"]) names.push_back(event["event"]);
    return names;
  }

  FaultProvider provider_{{.lifetime = seconds(600)}};
  AgentProcess agent_{{.token_url = provider_.url()}};
};

TEST_F(HistoryCommand, AgentIsStartedAgain_EventsOfBothRunsAreShown) {
  provider_.behave(Behaviour::failure(503), 1);
  agent_.start();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  EXPECT_THAT(events(), Contains("failed"));
  EXPECT_EQ(agent_.stop(), 0);
  agent_.start();
  const auto both = events();
  EXPECT_THAT(both, Contains("failed"));
  EXPECT_THAT(both, Contains("fetched"));
  EXPECT_THAT(both, Contains("adopted"));
  const RunResult table = history();
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(table.out, HasSubstr("answered 503"));
  EXPECT_THAT(table.out, Not(HasSubstr(provider_.issued().at(0).value)));
}

TEST_F(HistoryCommand, AgentIsKilled_LosesNoMoreThanAMinute) {
  agent_.start();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  const auto file = agent_.runtime_dir() / "history" / "api.json";
  ASSERT_TRUE(
      eventually([&] { return std::filesystem::exists(file) && read_file(file).find("fetched") != std::string::npos; },
                 2 * patience));
  agent_.kill();
  agent_.start();
  EXPECT_THAT(events(), Contains("fetched"));
}

TEST_F(HistoryCommand, TokenIsUnknown_NamesTheKnownOnes) {
  agent_.start();
  const RunResult result = run({JETONCTL, "--dir", agent_.runtime_dir().string(), "history", "apii"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'api'?"));
}

}  // namespace
}  // namespace jeton::test
