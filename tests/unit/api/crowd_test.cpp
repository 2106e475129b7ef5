// Many users with many connections: who is shut out of the local API, and who is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <list>

#include "tests/support/eventually.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::ApiHost;
using test::HttpAnswer;
using test::HttpClient;
using test::Identity;
using ::testing::HasSubstr;

// Each connection of the default limits, on either end.
struct Crowd : testing::Test {
  static constexpr uid_t crowd = 20'000;  // and the seven that follow; all of them readers
  static constexpr uid_t admin = 30'000;
  static constexpr uid_t stranger = 40'000;
  static constexpr const char* follow = "/v1/tokens/wechat/events";
  static Identity user(uid_t uid) { return Identity{uid, uid, {}}; }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to connect as other users";
    host.emplace();
    host->on_loop([](test::FakeStatus& status) {
      AccessConfig readers;
      for (uid_t i = 0; i < 8; ++i) readers.users.push_back(std::to_string(crowd + i));
      readers.users.push_back(std::to_string(admin));
      status.add("wechat", readers);
      status.admin_access().users = {std::to_string(admin)};
    });
  }
  HttpClient& enter(uid_t uid) { return open.emplace_back(host->socket(), user(uid)); }
  int live(const Identity& identity) { return HttpClient(host->socket(), identity).get("/live").status; }
  void expect_everybody_is_served() {
    EXPECT_EQ(live(user(stranger)), 200);
    EXPECT_EQ(live(user(0)), 200);
    EXPECT_EQ(HttpClient(host->socket(), user(admin)).get("/v1/tokens/wechat/refresh", "POST").status, 202);
  }

  std::optional<ApiHost> host;
  std::list<HttpClient> open;
};

TEST_F(Crowd, EightUsersFillTheRoomWithIdleConnections_TheOthersAreServed) {
  for (uid_t i = 0; i < 8 * 32; ++i) ASSERT_EQ(enter(crowd + i / 32).get("/live").status, 200);
  EXPECT_EQ(host->connections(), 256U);
  expect_everybody_is_served();
}

TEST_F(Crowd, EightUsersFillTheRoomWithHalfARequestEach_TheOthersAreServed) {
  for (uid_t i = 0; i < 8 * 32; ++i) enter(crowd + i / 32).send("GET /live HTT");
  ASSERT_TRUE(test::eventually([&] { return host->connections() == 256; }));
  expect_everybody_is_served();
}

TEST_F(Crowd, EightUsersReadNoAnswers_TheOthersAreServed) {
  host->on_loop([](test::FakeStatus& status) { status.token("wechat").last_error = std::string(8192, 'x'); });
  for (uid_t i = 0; i < 8 * 32; ++i) {
    HttpClient& greedy = enter(crowd + i / 32);
    for (int n = 0; n < 40; ++n) greedy.send("GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  ASSERT_TRUE(test::eventually([&] { return host->connections() == 256; }));
  expect_everybody_is_served();
}

TEST_F(Crowd, UserHasItsShareOfIdleConnections_TheOldestGivesWay) {
  for (int i = 0; i < 32; ++i) ASSERT_EQ(enter(crowd).get("/live").status, 200);
  EXPECT_EQ(enter(crowd).get("/live").status, 200);
  open.front().read_to_end();
  EXPECT_EQ(std::next(open.begin())->get("/live").status, 200) << "only the oldest";
}

TEST_F(Crowd, ReadersFollowATokenWithAllTheirConnections_ShortQuestionsAndAdminsAreServed) {
  for (uid_t i = 0; i < 6 * 32; ++i) ASSERT_EQ(enter(crowd + i / 32).open_stream(follow).status, 200);
  const HttpAnswer refused = enter(crowd + 6).get(follow);
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("too_many_connections"));
  EXPECT_EQ(enter(admin).open_stream(follow).status, 200);
  EXPECT_EQ(enter(0).open_stream(follow).status, 200);
  EXPECT_EQ(open.front().read_line().has_value(), true) << "a stream does not give way";
  for (uid_t i = 0; i < 2 * 32; ++i) enter(crowd + 6 + i / 32).get("/live");
  expect_everybody_is_served();
}

}  // namespace
}  // namespace jeton::agent
