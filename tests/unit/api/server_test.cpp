#include "agent/api/server/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::ApiHost;
using test::HttpAnswer;
using test::HttpClient;
using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(ApiServer, ManyRequestsOnOneConnection_EachIsAnswered) {
  ApiHost host;
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient client(host.socket());
  for (const char* path : {"/v1/status", "/v1/tokens/wechat", "/live", "/ready"}) {
    const HttpAnswer answer = client.get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.headers.at("content-type"), "application/json");
    EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
    EXPECT_TRUE(Json::accept(answer.body)) << answer.body;
  }
  EXPECT_EQ(client.get("/v1/tokens/other").status, 404);
  const HttpAnswer refused = client.get("/v1/status", "DELETE");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(client.get("/live").status, 200) << "an error ends no connection";
}

TEST(ApiServer, SocketIsRemoved_IsMadeAnewAndClientsStay) {
  ApiHost host;
  HttpClient before(host.socket());
  EXPECT_EQ(before.get("/live").status, 200);
  ASSERT_TRUE(std::filesystem::remove(host.socket()));
  host.restore_socket();
  EXPECT_EQ(HttpClient(host.socket()).get("/live").status, 200);
  EXPECT_EQ(before.get("/live").status, 200);
  host.restore_socket();
  EXPECT_EQ(HttpClient(host.socket()).get("/live").status, 200) << "one that is in place is left alone";
}

TEST(ApiServer, RequestsArePipelined_AreAnsweredInOrder) {
  ApiHost host;
  HttpClient client(host.socket());
  client.send("GET /live HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_answer().status, 404);
}

TEST(ApiServer, HeadRequest_HasTheHeaderOfGetAndNoBody) {
  ApiHost host;
  HttpClient client(host.socket());
  const HttpAnswer get = client.get("/live");
  const HttpAnswer head = client.get("/live", "HEAD");
  EXPECT_EQ(head.headers, get.headers);
  EXPECT_EQ(client.get("/live").body, get.body) << "no body was left on the connection";
}

TEST(ApiServer, ConnectionCloseOrHttp10_ClosesAfterTheAnswer) {
  ApiHost host;
  for (const char* request :
       {"GET /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /live HTTP/1.0\r\n\r\n"}) {
    HttpClient client(host.socket());
    client.send(request);
    EXPECT_EQ(client.read_answer().status, 200);
    client.read_to_end();
  }
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(ApiServer, HeaderIsTooLarge_IsRefused) {
  ApiHost host;
  HttpClient client(host.socket());
  client.send("GET /live HTTP/1.1\r\nX: " + std::string(9 * 1024, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 431);
  client.read_to_end();
}

TEST(ApiServer, HeaderNeverEnds_ClosesTheConnection) {
  ApiHost host;
  HttpClient client(host.socket());
  bool open = true;
  for (int i = 0; open && i < 4096; ++i) open = client.send(std::string(4096, 'x'));
  EXPECT_FALSE(open) << "16 MB were read";
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(ApiServer, BodyIsTooLarge_IsRefused) {
  ApiHost host;
  HttpClient announced(host.socket());
  announced.send("POST /v1/status HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_EQ(announced.read_answer().status, 413);
  HttpClient chunked(host.socket());
  chunked.send("POST /v1/status HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunked.send("5000\r\n" + std::string(0x5000, 'x') + "\r\n");
  EXPECT_EQ(chunked.read_answer().status, 413);
}

TEST(ApiServer, RequestIsNoHttp_IsABadRequest) {
  ApiHost host;
  for (const char* garbage : {"hello\r\n\r\n", "GET /live HTTP/9.7\r\n\r\n", "GET /live HTTP/1.1\r\nno colon\r\n\r\n",
                              "GET /live HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    HttpClient client(host.socket());
    client.send(garbage);
    EXPECT_EQ(client.read_answer().status, 400) << garbage;
    client.read_to_end();
  }
}

TEST(ApiServer, RequestComesByteByByte_ClosesAtTheReadDeadline) {
  ApiLimits limits = test::patient_limits();
  limits.read_deadline = std::chrono::milliseconds(100);
  ApiHost host(limits);
  HttpClient slow(host.socket());
  EXPECT_TRUE(test::eventually([&] { return !slow.send("x"); })) << "each byte would win more time";
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(ApiServer, ConnectionIsIdleOrSilent_ClosesAtTheReadDeadline) {
  ApiLimits limits = test::patient_limits();
  limits.read_deadline = std::chrono::milliseconds(100);
  ApiHost host(limits);
  std::optional<HttpClient> idle;
  // One that comes later than the deadline is silent, too.
  ASSERT_TRUE(test::eventually([&] {
    idle.emplace(host.socket());
    try {
      return idle->get("/live").status == 200;
    } catch (const std::runtime_error&) {
      return false;
    }
  }));
  HttpClient silent(host.socket());
  idle->read_to_end();
  silent.read_to_end();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(ApiServer, ClientDoesNotReadItsAnswers_IsDisconnected) {
  ApiLimits limits = test::patient_limits();
  limits.write_deadline = std::chrono::milliseconds(200);
  ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat").last_error = std::string(8192, 'x'); });
  HttpClient greedy(host.socket());
  bool open = true;
  for (int i = 0; open && i < 100'000; ++i) open = greedy.send("GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(open) << "800 MB of answers were kept";
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(ApiServer, ManyClientsHang_OthersAreServed) {
  ApiHost host;
  std::list<HttpClient> hanging;
  for (int i = 0; i < 30; ++i) hanging.emplace_back(host.socket()).send("GET /live HTT");
  HttpClient client(host.socket());
  EXPECT_EQ(client.get("/live").status, 200);
}

TEST(ApiServer, UserHasItsShareOfConnections_FurtherOnesAreRefused) {
  ApiLimits limits = test::patient_limits();
  limits.connections_per_user = 3;
  ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat"); });
  std::list<HttpClient> open;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(open.emplace_back(host.socket()).open_stream("/v1/tokens/wechat/events").status, 200);
  HttpClient refused(host.socket());
  const HttpAnswer answer = refused.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("too_many_connections"));
  if (::geteuid() == 0) {
    EXPECT_EQ(HttpClient(host.socket(), test::Identity{}).get("/live").status, 200) << "another user has a share too";
  }
  open.pop_front();
  EXPECT_TRUE(test::eventually([&] { return host.connections() < 3; }));
  EXPECT_EQ(HttpClient(host.socket()).get("/live").status, 200);
}

TEST(ApiServer, ReservedConnectionsAreInUse_FurtherOnesAreRefused) {
  ApiLimits limits = test::patient_limits();
  limits.reserved_connections = 2;
  ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient first(host.socket());
  EXPECT_EQ(first.open_stream("/v1/tokens/wechat/events").status, 200);
  HttpClient second(host.socket());
  EXPECT_EQ(second.open_stream("/v1/tokens/wechat/events").status, 200);
  EXPECT_EQ(HttpClient(host.socket()).read_answer().status, 503);
}

// The process runs out of descriptors while a client waits to be accepted, and then has some again.
TEST(ApiServer, DescriptorsRanOut_AcceptsAgainWhenSomeAreFree) {
  ApiHost host;
  HttpClient waiting(host.socket());
  waiting.get("/live");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  HttpClient later(host.socket());
  ASSERT_EQ(later.get("/live").status, 200);
  std::list<UniqueFd> all;
  const UniqueFd reserve(::dup(0));
  const rlimit low{static_cast<rlim_t>(reserve.get()) + 8, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.emplace_back(fd);
  all.pop_back();  // for the client's own end: the server's is then one too many
  HttpClient starved(host.socket());
  starved.send("GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(later.get("/live").status, 200) << "those who are connected are served on";
  all.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(starved.read_answer().status, 200);
}

TEST(ApiServer, StopsWhileClientsAreConnected_EndsEveryConnection) {
  ApiHost host;
  host.on_loop([](auto& status) { status.add("wechat"); });
  HttpClient idle(host.socket());
  idle.get("/live");
  HttpClient half(host.socket());
  half.send("GET /li");
  HttpClient stream(host.socket());
  stream.open_stream("/v1/tokens/wechat/events");
  stream.read_line();
  host.stop_server();
  EXPECT_FALSE(std::filesystem::exists(host.socket()));
  idle.read_to_end();
  half.read_to_end();
  stream.read_to_end();
  EXPECT_EQ(host.connections(), 0U);
  EXPECT_NO_THROW(host.stop_server()) << "twice is once";
}

TEST(ApiServer, SocketNameIsTakenByAFile_StartFails) {
  test::TempDir dir;
  dir.write("agent.sock", "not a socket");
  EXPECT_THROW(ApiHost(test::patient_limits(), dir.path()), Error);
}

}  // namespace
}  // namespace jeton::agent
