// The paths of the local API for administrators besides /v1/reload: the examination and the level of the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/api/server/routes.hpp"
#include "agent/base/log.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class AdminRoutes : public ::testing::Test {
 protected:
  ApiResponse respond(const std::string& target, const std::string& method, const Peer& peer,
                      const std::string& body = {}) {
    return answer({method, target, body}, peer, status, names, loop.clock.wall_now());
  }
  // What is answered at once.
  ApiAnswer ask(const std::string& target, const std::string& method = "GET") {
    return std::get<ApiAnswer>(respond(target, method, stranger));
  }
  ApiAnswer post(const std::string& target, const std::string& body, const Peer& peer) {
    return std::get<ApiAnswer>(respond(target, "POST", peer, body));
  }

  const Peer root{0, 0, {}, 1};
  const Peer stranger{54321, 54321, {}, 1};
  test::Loop loop;
  test::FakeStatus status{loop.timers};
  AccountNames names{loop.clock};
};

TEST_F(AdminRoutes, ExaminationIsAskedForByAnAdmin_IsAnsweredWithTheFindings) {
  status.findings = {{Finding::Level::ok, "redis", "Redis 7"},
                     {Finding::Level::problem, "memlock", "not locked", "ulimit -l unlimited"}};
  const ApiResponse response = respond("/v1/doctor", "GET", root);
  const ApiAnswer answered = loop.run(std::get<LaterAnswer>(response).work());
  EXPECT_EQ(answered.status, 200U);
  EXPECT_EQ(Json::parse(answered.body), Json::parse(R"({"findings": [
      {"level": "ok", "subject": "redis", "text": "Redis 7", "remedy": null},
      {"level": "problem", "subject": "memlock", "text": "not locked", "remedy": "ulimit -l unlimited"}]})"));
}

TEST_F(AdminRoutes, ExaminationIsAskedForByAnybodyElse_IsForbidden) {
  const ApiAnswer response = ask("/v1/doctor");
  EXPECT_EQ(response.status, 403U);
  EXPECT_THAT(response.body, HasSubstr("agent.admins"));
  EXPECT_EQ(ask("/v1/doctor", "POST").status, 405U);
}

TEST_F(AdminRoutes, LevelOfTheLogIsSet_ByAdminsOnly) {
  const log::Level before = log::level();
  EXPECT_EQ(post("/v1/log-level", R"({"level": "debug"})", stranger).status, 403U);
  EXPECT_EQ(log::level(), before);
  EXPECT_EQ(post("/v1/log-level", R"({"level": "loud"})", root).status, 400U);
  EXPECT_EQ(post("/v1/log-level", "[]", root).status, 400U);
  EXPECT_EQ(Json::parse(post("/v1/log-level", R"({"level": "error"})", root).body)["level"], "error");
  EXPECT_EQ(log::level(), log::Level::error);
  EXPECT_EQ(Json::parse(ask("/v1/log-level").body)["level"], "error");
  EXPECT_EQ(ask("/v1/log-level", "DELETE").status, 405U);
  log::set_level(before);
}

}  // namespace
}  // namespace jeton::agent
