// `jetonctl doctor` with a real agent, Redis and provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* password = "hunter2-of-redis";

class DoctorCommand : public testing::Test {
 protected:
  // An examination of eight seconds has room for a server that answers late.
  AgentSettings settings(const std::string& timeout = "4s") const {
    AgentSettings settings;
    settings.redis = "{endpoint: '" + redis_.tcp_url() + "', password: " + password + ", timeout: " + timeout + "}";
    settings.token_url = provider_.url("/token?id=s3cret-of-provider");
    return settings;
  }
  void start() {
    agent_.start();
    ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  }
  RunResult doctor() const { return run({JETONCTL, "--dir", agent_.runtime_dir().string(), "doctor", "--json"}); }
  // The finding whose subject begins so and whose text has the part; null: there is none.
  static Json find(const std::string& report, const std::string& subject, const std::string& part) {
    const Json parsed = Json::parse(report);
    for (const Json& one : parsed["findings"]) {
      const bool has_part = one["text"].get<std::string>().find(part) != std::string::npos;
      if (one["subject"].get<std::string>().starts_with(subject) && has_part) return one;
    }
    return nullptr;
  }

  FaultProvider provider_{{.lifetime = seconds(600)}};
  RedisServer redis_{{"--requirepass", password}};
  AgentProcess agent_{settings()};
};

TEST_F(DoctorCommand, EverythingWorks_NoProblemNoFetchAndNoSecret) {
  start();
  const auto issued = provider_.counts().issued;
  const RunResult result = doctor();
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_EQ(find(result.out, "redis redis://", "takes writes")["level"], "ok") << result.out;
  EXPECT_EQ(find(result.out, "provider http://127.0.0.1", "answers")["level"], "ok") << result.out;
  EXPECT_EQ(find(result.out, "configuration", "in force")["level"], "ok") << result.out;
  EXPECT_EQ(find(result.out, "memlock", "locked")["level"].is_string(), true) << result.out;
  EXPECT_EQ(find(result.out, "runtime_dir", "free")["level"], "ok") << result.out;
  EXPECT_THAT(result.out, Not(HasSubstr(password)));
  EXPECT_THAT(result.out, Not(HasSubstr("s3cret-of-provider")));
  EXPECT_THAT(result.out, Not(HasSubstr(provider_.issued().at(0).value)));
  int fetches = 0;
  for (const SeenRequest& request : provider_.seen()) fetches += request.method == "HEAD" ? 0 : 1;
  EXPECT_EQ(static_cast<std::uint64_t>(fetches), issued) << "the examination asks for no token";
}

TEST_F(DoctorCommand, RedisHangs_EndsWithAProblem) {
  agent_.configure(settings("500ms"));
  start();
  redis_.signal(SIGSTOP);
  const RunResult result = doctor();
  redis_.signal(SIGCONT);
  EXPECT_EQ(result.status, 6) << result.out;
  EXPECT_TRUE(!find(result.out, "redis", "does not answer").is_null() ||
              !find(result.out, "redis", "not reachable").is_null())
      << result.out;
  EXPECT_THAT(result.out, Not(HasSubstr(password)));
}

TEST_F(DoctorCommand, ProviderIsAway_IsAProblemWhileTheTokenIsValid) {
  start();
  provider_.stop_listening();
  const RunResult result = doctor();
  EXPECT_EQ(result.status, 6);
  EXPECT_EQ(find(result.out, "provider http://127.0.0.1", "cannot connect")["level"], "problem") << result.out;
  EXPECT_EQ(find(result.out, "token api", "is valid")["level"], "ok") << result.out;
}

TEST_F(DoctorCommand, FilesHaveChanged_SaysWhetherTheyCanBeApplied) {
  start();
  AgentSettings changed = settings();
  changed.token_extra = "    capacity: 16KiB\n";
  agent_.configure(changed);
  EXPECT_THAT(find(doctor().out, "configuration", "have changed")["remedy"].get<std::string>(), HasSubstr("reload"));
  changed.token_extra = "    capacity: huge\n";
  agent_.configure(changed);
  const RunResult broken = doctor();
  EXPECT_EQ(broken.status, 6);
  EXPECT_EQ(find(broken.out, "configuration", "huge")["level"], "problem") << broken.out;
}

}  // namespace
}  // namespace jeton::test
