// A connection with several locks, one after another: the end of each is not the end of the connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::ApiHost;
using test::HttpAnswer;
using test::HttpClient;
using Json = nlohmann::json;

constexpr const char* token_events = "/v1/tokens/wechat/events";
constexpr const char* empty_line = "\r\n";
constexpr const char* lock_request =
    "POST /v1/locks/job HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 16\r\n\r\n{\"ttl_ms\":60000}";

class LockConnection : public ::testing::Test {
 protected:
  LockConnection() {
    host.on_loop([&](auto& status) { status.offer_locks(directory.path()); });
  }
  ~LockConnection() override { EXPECT_TRUE(becomes_free()) << "every session must end before the test does"; }

  static ApiLimits few_kept() {
    ApiLimits limits = test::patient_limits();
    limits.kept_per_user = 2;
    limits.connections_per_user = 3;
    return limits;
  }
  // As a client that knows the end of a stream.
  static HttpAnswer ask(HttpClient& client) {
    return client.open_posted_stream("/v1/locks/job", R"({"ttl_ms":60000})", "Connection: keep-alive\r\n");
  }
  static Json next(HttpClient& client) { return Json::parse(client.read_line().value()); }
  static void take(HttpClient& client) {
    const HttpAnswer answer = ask(client);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.headers.at("connection"), "keep-alive");
    ASSERT_EQ(next(client)["event"], "acquired");
  }
  static void expect_released(HttpClient& client) {
    EXPECT_EQ(next(client)["event"], "released");
    EXPECT_EQ(client.read_line(), std::nullopt);
  }
  static void take_and_give_back(HttpClient& client) {
    take(client);
    client.send(empty_line);
    expect_released(client);
  }

  std::size_t held() {
    std::size_t n = 0;
    host.on_loop([&](auto& status) { n = status.locks()->sessions().held; });
    return n;
  }
  bool becomes(std::size_t wanted) {
    return test::eventually([&] { return held() == wanted; });
  }
  bool becomes_free() { return becomes(0); }

  test::TempDir directory;
  ApiHost host{few_kept()};
};

TEST_F(LockConnection, EachLockIsEndedByAnEmptyLine_NextOneIsTakenOverTheSameConnection) {
  HttpClient client(host.socket());
  HttpClient other(host.socket());
  for (int i = 0; i < 20; ++i) {
    take_and_give_back(client);
    take(other);  // what was confirmed is free
    EXPECT_EQ(ask(client).status, 409) << "and then it is not";
    client = HttpClient(host.socket());  // a refusal ends the connection
    other.send(empty_line);
    expect_released(other);
  }
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 2; }));
}

TEST_F(LockConnection, ClientDoesNotAskForIt_EndsWithTheLock) {
  HttpClient client(host.socket());
  EXPECT_EQ(client.open_posted_stream("/v1/locks/job", R"({"ttl_ms":60000})").headers.at("connection"), "close");
  ASSERT_EQ(next(client)["event"], "acquired");
  client.send(empty_line);
  expect_released(client);
  client.read_to_end();
}

TEST_F(LockConnection, ClientSpeaksTheOlderHttp_EndsWithTheLock) {
  HttpClient client(host.socket());
  client.send("POST /v1/locks/job HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 16\r\n\r\n{\"ttl_ms\":60000}");
  ASSERT_TRUE(becomes(1));
  client.send(empty_line);
  client.read_to_end();
}

TEST_F(LockConnection, NextRequestComesDuringALock_EndsItAndIsAnswered) {
  HttpClient client(host.socket());
  for (const std::string& header : {std::string(), "X-Long: " + std::string(3000, 'x') + "\r\n"}) {
    take(client);
    client.send("GET /live HTTP/1.1\r\nHost: a\r\n" + header + "\r\n");
    expect_released(client);
    EXPECT_EQ(client.read_answer().status, 200);
  }
  take_and_give_back(client);
}

TEST_F(LockConnection, GarbageComesDuringALock_EndsItAndIsRefused) {
  HttpClient client(host.socket());
  take(client);
  client.send("no request\r\n\r\n");
  expect_released(client);
  EXPECT_EQ(client.read_answer().status, 400);
  client.read_to_end();
}

TEST_F(LockConnection, MuchGarbageComesDuringALock_EndsBoth) {
  HttpClient client(host.socket());
  take(client);
  client.send(std::string(100'000, 'x'));
  EXPECT_TRUE(becomes_free());
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST_F(LockConnection, MoreThanARequestComesWithTheRequestAndDuringTheLock_EndsBoth) {
  ApiLimits limits;
  HttpClient client(host.socket());
  const std::string body = R"({"ttl_ms":60000})";
  client.send("POST /v1/locks/job HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body +
              std::string(limits.header_bytes + limits.body_bytes, 'x'));
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST_F(LockConnection, ClientDiesBetweenTwoLocks_IsForgotten) {
  HttpClient client(host.socket());
  take_and_give_back(client);
  EXPECT_EQ(host.connections(), 1U);
  client.close();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST_F(LockConnection, ClientDiesWithItsSecondLock_IsReleased) {
  HttpClient client(host.socket());
  take_and_give_back(client);
  take(client);
  client.close();
  EXPECT_TRUE(becomes_free());
}

TEST_F(LockConnection, ClientEndsItsSide_EndsWithTheLock) {
  HttpClient client(host.socket());
  take(client);
  client.shut_down_writing();
  expect_released(client);
  client.read_to_end();
}

// Of a lock that outlives its connection, an answer that looks like success would be taken for one.
TEST_F(LockConnection, ClientEndsItsSideBeforeItHasADetachedLock_IsToldThatItHasNone) {
  HttpClient holder(host.socket());
  take(holder);
  for (const bool sends_more : {false, true}) {
    HttpClient client(host.socket());
    client.send(
        "POST /v1/locks/job/acquire HTTP/1.1\r\nHost: a\r\nContent-Length: 32\r\n\r\n"
        "{\"ttl_ms\":60000,\"wait_ms\":60000}");
    ASSERT_TRUE(test::eventually([&] {
      std::size_t waiting = 0;
      host.on_loop([&](auto& status) { waiting = status.locks()->sessions().waiting; });
      return waiting == 1;
    }));
    if (sends_more) client.send(empty_line);
    if (!sends_more) client.shut_down_writing();
    const HttpAnswer answer = client.read_answer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(Json::parse(answer.body)["error"]["code"], "cancelled") << answer.body;
  }
  EXPECT_EQ(held(), 1U) << "by its holder";
}

TEST_F(LockConnection, UserKeepsItsShare_ThatWhichHasWaitedLongestGivesWay) {
  std::list<HttpClient> clients;
  for (int i = 0; i < 3; ++i) take_and_give_back(clients.emplace_back(host.socket()));
  clients.front().read_to_end();
  EXPECT_EQ(host.connections(), 2U);
  clients.pop_front();
  for (HttpClient& client : clients) take_and_give_back(client);
}

TEST_F(LockConnection, KeptConnectionHoldsALock_GivesNoWay) {
  HttpClient holder(host.socket());
  take_and_give_back(holder);
  take(holder);
  std::list<HttpClient> clients;
  for (int i = 0; i < 3; ++i) {
    HttpClient& client = clients.emplace_back(host.socket());
    const HttpAnswer answer =
        client.open_posted_stream("/v1/locks/other", R"({"ttl_ms":60000})", "Connection: keep-alive\r\n");
    ASSERT_EQ(answer.status, 200);
    ASSERT_EQ(next(client)["event"], "acquired");
    client.send(empty_line);
    expect_released(client);
  }
  holder.send(empty_line);
  expect_released(holder);
}

TEST_F(LockConnection, OtherRequestComes_IsAnOrdinaryConnectionAgain) {
  std::list<HttpClient> clients;
  for (int i = 0; i < 3; ++i) {
    take_and_give_back(clients.emplace_back(host.socket()));
    EXPECT_EQ(clients.back().get("/live").status, 200);
  }
  EXPECT_EQ(host.connections(), 3U) << "none of them counts as kept";
  for (HttpClient& client : clients) take_and_give_back(client);
  clients.front().read_to_end();  // they count again: two may be kept
  EXPECT_EQ(host.connections(), 2U);
}

TEST_F(LockConnection, OtherRequestComesAndTheUserHasItsShareOfStreams_GetsNoMore) {
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient one(host.socket());
  HttpClient other(host.socket());
  take_and_give_back(one);
  take_and_give_back(other);
  std::list<HttpClient> streams;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(streams.emplace_back(host.socket()).open_stream(token_events).status, 200);
  take_and_give_back(one);  // is no ordinary request
  EXPECT_EQ(one.get(token_events).status, 503);
  one.read_to_end();
  EXPECT_EQ(other.get("/live").status, 200);
  other.read_to_end();
}

TEST_F(LockConnection, ClientReadsNothing_EndsBeforeTheAgentHasToWaitForIt) {
  HttpClient client(host.socket());
  take(client);
  const auto is_over = [&] { return host.connections() == 0; };
  bool goes_on = true;
  for (std::size_t i = 0; goes_on && i < 10'000; ++i) {
    client.send(i % 2 == 0 ? empty_line : lock_request);
    goes_on = test::eventually([&] { return is_over() || held() == i % 2; }) && !is_over();
  }
  EXPECT_TRUE(is_over());
}

TEST_F(LockConnection, ClientThatReadsNoAnswersAsksForALock_Ends) {
  host.on_loop([](auto& status) { status.add("wechat").last_error = std::string(8192, 'x'); });
  HttpClient client(host.socket());
  ASSERT_EQ(client.get("/live").status, 200);
  for (int i = 0; i < 10; ++i) client.send("GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
  client.send(lock_request);
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST_F(LockConnection, ClientEndsALockThatIsHandedOver_EndsBecauseNoReleaseWasSaid) {
  host.on_loop([](auto& status) {
    LockRules rules;
    rules["*"].pattern = "*";
    rules["*"].outlives_agent = true;
    status.locks()->configure(std::move(rules));
  });
  HttpClient client(host.socket());
  take(client);
  // The loop reads the input after the locks were handed over, and before the connection knows it.
  host.on_loop([&](auto& status) {
    client.send(empty_line);
    host.start(status.locks()->stop());
  });
  client.read_to_end();
}

TEST_F(LockConnection, ServerStops_KeptOnesEnd) {
  HttpClient client(host.socket());
  take_and_give_back(client);
  host.stop_server();
  client.read_to_end();
  EXPECT_EQ(host.connections(), 0U);
}

}  // namespace
}  // namespace jeton::agent
