#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <list>
#include <nlohmann/json.hpp>

#include "tests/support/eventually.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::ApiHost;
using test::HttpClient;
using Json = nlohmann::json;

constexpr const char* events_path = "/v1/tokens/wechat/events";

class EventStream : public ::testing::Test {
 protected:
  EventStream() {
    host.on_loop([](auto& status) { status.add("wechat"); });
  }
  static Json next(HttpClient& client) { return Json::parse(client.read_line().value()); }

  ApiHost host;
};

TEST_F(EventStream, TokenChanges_StateIsSentFirstAndThenEachChange) {
  HttpClient client(host.socket());
  const auto answer = client.open_stream(events_path);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
  const Json state = next(client);
  EXPECT_EQ(state["event"], "state");
  EXPECT_EQ(state["name"], "wechat");
  EXPECT_EQ(state["generation"], 1795000000000000);

  host.change([](auto& status) { status.token("wechat").generation = 1795000000000001; });
  const Json change = next(client);
  EXPECT_EQ(change["event"], "change");
  EXPECT_EQ(change["generation"], 1795000000000001);
  host.change([](auto& status) { status.token("wechat").state = TokenState::expired; });
  EXPECT_EQ(next(client)["state"], "expired");
}

TEST_F(EventStream, LineIsLongerThanTheSocketTakesAtOnce_IsReadWholly) {
  HttpClient client(host.socket());
  client.open_stream(events_path);
  next(client);
  const std::string error(1024 * 1024, 'x');
  host.change([&](auto& status) { status.token("wechat").last_error = error; });
  EXPECT_EQ(next(client)["last_error"], error);
  host.change([](auto& status) { status.token("wechat").generation = 42; });
  EXPECT_EQ(next(client)["generation"], 42);
}

TEST_F(EventStream, OtherTokenOrPhaseChanges_SendsNothing) {
  HttpClient client(host.socket());
  client.open_stream(events_path);
  next(client);
  host.change([](auto& status) { status.add("github"); });
  host.change([](auto& status) { status.token("wechat").phase = RefreshPhase::fetching; });
  host.change([](auto& status) { status.token("wechat").generation = 42; });
  EXPECT_EQ(next(client)["generation"], 42);
}

TEST_F(EventStream, ManyClientsFollowOneToken_EachGetsEveryChange) {
  std::list<HttpClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(host.socket()).open_stream(events_path);
    next(clients.back());
  }
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    host.change([&](auto& status) { status.token("wechat").generation = generation; });
    for (HttpClient& client : clients) EXPECT_EQ(next(client)["generation"], generation);
  }
}

TEST_F(EventStream, TokenIsRemoved_SendsRemovedAndEnds) {
  HttpClient client(host.socket());
  client.open_stream(events_path);
  next(client);
  host.change([](auto& status) { status.remove("wechat"); });
  EXPECT_EQ(next(client)["event"], "removed");
  EXPECT_EQ(client.read_line(), std::nullopt) << "a proper end";
  client.read_to_end();
}

TEST_F(EventStream, ClientDisconnects_ConnectionIsClosed) {
  HttpClient client(host.socket());
  client.open_stream(events_path);
  next(client);
  EXPECT_EQ(host.connections(), 1U);
  client.close();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; })) << "without anything to write";
}

TEST_F(EventStream, UserIsNoReaderOrNoLongerOne_IsForbidden) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to connect as another user";
  HttpClient stranger(host.socket(), test::Identity{});
  const auto refused = stranger.open_stream(events_path);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(Json::parse(refused.body)["error"]["code"], "forbidden");
  EXPECT_EQ(stranger.get("/v1/tokens/wechat").status, 200) << "the state is for everybody";

  host.on_loop([](auto& status) { status.access("wechat").users = {"nobody"}; });
  EXPECT_EQ(stranger.open_stream(events_path).status, 200);
  EXPECT_EQ(next(stranger)["event"], "state");
  host.change([](auto& status) { status.access("wechat").users.clear(); });
  EXPECT_EQ(next(stranger)["event"], "forbidden");
  EXPECT_EQ(stranger.read_line(), std::nullopt);
}

TEST_F(EventStream, UserIsReaderByGroup_IsAdmitted) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to connect as another user";
  host.on_loop([](auto& status) { status.access("wechat").groups = {"daemon"}; });
  HttpClient member(host.socket(), test::Identity{54321, 54321, {4, 1}});
  EXPECT_EQ(member.open_stream(events_path).status, 200);
}

TEST_F(EventStream, HeadRequest_IsAnsweredWithoutAStream) {
  HttpClient client(host.socket());
  EXPECT_EQ(client.get(events_path, "HEAD").status, 200);
  EXPECT_EQ(client.get("/live").status, 200) << "the connection goes on";
}

TEST_F(EventStream, Http10Client_ConnectionClosesAfterTheStreamEnds) {
  HttpClient client(host.socket());
  client.send(std::string("GET ") + events_path + " HTTP/1.0\r\n\r\n");
  host.change([](auto& status) { status.remove("wechat"); });
  client.read_to_end();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(EventStreamLimits, NothingChanges_HeartbeatsAreSent) {
  ApiLimits limits = test::patient_limits();
  limits.heartbeat = std::chrono::milliseconds(20);
  ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient client(host.socket());
  client.open_stream(events_path);
  client.read_line();
  for (int i = 0; i < 3; ++i) {
    const Json line = Json::parse(client.read_line().value());
    EXPECT_EQ(line["event"], "heartbeat");
    EXPECT_EQ(line.size(), 2U) << "event and at_ms";
  }
}

TEST(EventStreamLimits, ClientDoesNotRead_IsDisconnected) {
  ApiLimits limits = test::patient_limits();
  limits.write_deadline = std::chrono::milliseconds(200);
  ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient client(host.socket());
  client.open_stream(events_path);
  EXPECT_TRUE(host.flood_until_left(0, "wechat"));
}

}  // namespace
}  // namespace jeton::agent
