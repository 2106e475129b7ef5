#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <string>

#include "agent/api/page/status_page.hpp"
#include "agent/api/server/server.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/virtual_timers.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::HttpAnswer;
using test::HttpClient;
using ::testing::HasSubstr;

// The server on a port of its own, on a loop in a thread.
class MonitoringHost {
 public:
  explicit MonitoringHost(ApiLimits limits = test::patient_limits(), const std::string& address = "127.0.0.1")
      : server_(context_.get_executor(), timers_, {address, port_.port()}, status_, limits) {
    server_.start();
    thread_ = std::thread([this] { context_.run(); });
  }
  MonitoringHost(const MonitoringHost&) = delete;
  MonitoringHost& operator=(const MonitoringHost&) = delete;
  ~MonitoringHost() {
    on_loop([this] { server_.stop(); });
    context_.stop();
    thread_.join();
  }

  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  [[nodiscard]] std::size_t connections() {
    std::size_t n = 0;
    on_loop([&] { n = server_.connections(); });
    return n;
  }
  [[nodiscard]] ApiTally tally() {
    ApiTally copy;
    on_loop([&] { copy = server_.tally(); });
    return copy;
  }
  [[nodiscard]] std::uint16_t port() const { return port_.port(); }
  test::FakeStatus& status() { return status_; }

 private:
  test::ReservedPort port_;
  boost::asio::io_context context_{1};
  SystemClock clock_;
  BootTimers timers_{context_, clock_};
  test::FakeStatus status_{timers_};
  MonitoringServer server_;
  std::thread thread_;
};

TEST(MonitoringServer, ManyRequestsOnOneConnection_EachIsAnswered) {
  MonitoringHost host;
  host.on_loop([&] { host.status().add("wechat").state = TokenState::expired; });
  HttpClient client(host.port());
  EXPECT_EQ(client.get("/live").status, 200);
  EXPECT_EQ(client.get("/ready").status, 503);
  const HttpAnswer page = client.get("/metrics", "GET", "Accept: application/openmetrics-text\r\n");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/plain; version=0.0.4");
  EXPECT_EQ(page.body, "# for application/openmetrics-text\n");
  EXPECT_EQ(client.get("/metrics", "HEAD").headers.at("content-length"), std::to_string(sizeof "# for \n" - 1));
  EXPECT_EQ(client.get("/v1/status").status, 404);
  EXPECT_EQ(client.get("/live").status, 200);
}

TEST(MonitoringServer, RequestsWereAnswered_AreCountedByKindAndStatus) {
  MonitoringHost host;
  HttpClient client(host.port());
  client.get("/live");
  client.get("/live");
  client.get("/nowhere");
  client.send("nonsense\r\n\r\n");
  client.read_answer();
  const ApiTally tally = host.tally();
  EXPECT_EQ(tally.answers().at({"live", 200}), 2U);
  EXPECT_EQ(tally.answers().at({"other", 404}), 1U);
  EXPECT_EQ(tally.answers().at({"unread", 400}), 1U);
  EXPECT_EQ(tally.answers().size(), 3U);
}

TEST(MonitoringServer, MoreClientsThanConnections_TheLongestWaitingGivesWay) {
  ApiLimits limits = test::patient_limits();
  limits.connections_per_user = 4;
  MonitoringHost host(limits);
  std::list<HttpClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(host.port());
    EXPECT_EQ(clients.back().get("/live").status, 200);
  }
  clients.front().read_to_end();
  EXPECT_EQ(host.connections(), 4U);
  EXPECT_EQ(clients.back().get("/live").status, 200);
}

TEST(MonitoringServer, EveryConnectionIsBusy_NewClientIsToldSo) {
  ApiLimits limits = test::patient_limits();
  limits.connections_per_user = 2;
  MonitoringHost host(limits);
  HttpClient first(host.port());
  HttpClient second(host.port());
  EXPECT_EQ(first.open_stream("/events").status, 200);
  EXPECT_EQ(second.open_stream("/events").status, 200);
  HttpClient third(host.port());
  const HttpAnswer refused = third.read_answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("too_many_connections"));
  EXPECT_EQ(host.tally().refused_clients(), 1U);
}

TEST(MonitoringServer, ClientIsSilent_IsDisconnectedAtTheDeadline) {
  ApiLimits limits = test::patient_limits();
  limits.read_deadline = std::chrono::milliseconds(100);
  MonitoringHost host(limits);
  HttpClient silent(host.port());
  silent.read_to_end();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(MonitoringServer, PageIsAskedFor_IsOneDocumentWithAStrictPolicy) {
  MonitoringHost host;
  host.on_loop([&] { host.status().add("wechat"); });
  HttpClient client(host.port());
  const HttpAnswer page = client.get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.at("cache-control"), "no-store");
  EXPECT_EQ(page.headers.at("content-security-policy"), page_policy());
  EXPECT_EQ(page.headers.at("x-frame-options"), "DENY");
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("referrer-policy"), "no-referrer");
  EXPECT_EQ(page.headers.at("cross-origin-resource-policy"), "same-origin");
  EXPECT_EQ(page.headers.count("access-control-allow-origin"), 0U);
  EXPECT_THAT(page.body, HasSubstr("data-name=\"wechat\""));
  EXPECT_EQ(client.get("/", "HEAD").headers.at("content-length"), std::to_string(page.body.size()));
  EXPECT_EQ(client.get("/", "POST").status, 405);
  EXPECT_EQ(client.get("/events", "HEAD").status, 200);
  EXPECT_EQ(host.tally().answers().at({"page", 200}), 3U);
}

TEST(MonitoringServer, RequestNamesAnotherHostOnLoopback_IsNotAnswered) {
  MonitoringHost host;
  HttpClient client(host.port());
  const auto ask = [&](const std::string& path, const std::string& name) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: " + name + "\r\n\r\n");
    return client.read_answer();
  };
  for (const char* path : {"/", "/metrics", "/live", "/events"}) {
    const HttpAnswer refused = ask(path, "rebound.example:9717");
    EXPECT_EQ(refused.status, 421) << path;
    EXPECT_THAT(refused.body, HasSubstr("other_host"));
  }
  for (const char* name :
       {"localhost:9717", "LOCALHOST", "127.0.0.1", "127.1.2.3:80", "[::1]:9717", "[::ffff:127.0.0.1]", ""}) {
    EXPECT_EQ(ask("/live", name).status, 200) << name;
  }
  for (const char* name : {"localhost.example", "127.0.0.1.example", "[::1", "[::2]", "[::ffff:192.0.2.1]", "192.0.2.1",
                           "0.0.0.0", ":9717"}) {
    EXPECT_EQ(ask("/live", name).status, 421) << name;
  }
}

TEST(MonitoringServer, LoopbackIsWrittenAsAnAddressOfIPv6_AnotherHostIsNotAnswered) {
  MonitoringHost host(test::patient_limits(), "::ffff:127.0.0.1");
  HttpClient client(host.port());
  client.send("GET /live HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 421);
}

TEST(MonitoringServer, PageFollows_GetsEveryRowAndThenTheOneThatChanges) {
  MonitoringHost host;
  host.on_loop([&] {
    host.status().add("github");
    host.status().add("wechat");
  });
  HttpClient page(host.port());
  const HttpAnswer stream = page.open_stream("/events");
  EXPECT_EQ(stream.status, 200);
  EXPECT_EQ(stream.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(page.read_line().value(), HasSubstr("\"complete\":true"));
  host.on_loop([&] {
    host.status().token("wechat").generation = 42;
    host.status().changed().notify();
  });
  const std::string news = page.read_line().value();
  EXPECT_THAT(news, HasSubstr("wechat"));
  EXPECT_THAT(news, ::testing::Not(HasSubstr("github")));
  page.close();
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(MonitoringServer, MorePagesFollowThanThereIsRoom_IsRefusedUntilOneEnds) {
  MonitoringHost host;
  std::list<HttpClient> pages;
  HttpAnswer last;
  do {
    last = pages.emplace_back(host.port()).open_stream("/events");
  } while (last.status == 200 && pages.size() < 64);
  EXPECT_EQ(last.status, 503);
  EXPECT_EQ(pages.size(), 17U);
  EXPECT_EQ(HttpClient(host.port()).get("/metrics").status, 200) << "open pages do not shut out Prometheus";
  pages.pop_front();
  EXPECT_TRUE(test::eventually([&] { return HttpClient(host.port()).open_stream("/events").status == 200; }));
}

TEST(MonitoringServer, PageDoesNotReadItsNews_IsDisconnected) {
  ApiLimits limits = test::patient_limits();
  limits.write_deadline = std::chrono::milliseconds(200);
  MonitoringHost host(limits);
  host.on_loop([&] { host.status().add("wechat").last_error = std::string(16 << 20, 'x'); });
  HttpClient page(host.port());
  page.open_stream("/events");
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

// Such as a notebook that was suspended.
TEST(MonitoringServer, HostOfAPageIsGoneWithoutAWord_IsDisconnected) {
  ApiLimits limits = test::patient_limits();
  limits.write_deadline = std::chrono::milliseconds(200);
  MonitoringHost host(limits);
  host.on_loop([&] { host.status().add("wechat"); });
  HttpClient page(host.port());
  page.open_stream("/events");
  ASSERT_TRUE(page.read_line());
  page.vanish();
  host.on_loop([&] {
    host.status().add("github");
    host.status().changed().notify();
  });
  EXPECT_TRUE(test::eventually([&] { return host.connections() == 0; }));
}

TEST(MonitoringServer, PortIsInUse_IsSaidOnceAndServedWhenItIsFree) {
  const test::ReservedPort port;
  const ListenAddress address{"127.0.0.1", port.port()};
  test::VirtualTimers timers;
  test::FakeStatus status{timers};
  MonitoringServer first(timers.executor(), timers, address, status);
  MonitoringServer second(timers.executor(), timers, address, status);
  first.start();
  EXPECT_EQ(first.status().error, "");
  testing::internal::CaptureStderr();
  second.start();
  timers.run_for(std::chrono::minutes(1));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(second.status().error, HasSubstr(address.display() + " of agent.listen is in use"));
  EXPECT_THAT(second.status().remedy, HasSubstr("sudo ss -ltnp 'sport = :" + std::to_string(port.port()) + "'"));
  EXPECT_EQ(log.find("agent.listen cannot be served"), log.rfind("agent.listen cannot be served")) << log;
  EXPECT_THAT(log, HasSubstr("agent.listen cannot be served"));
  first.stop();
  timers.run_for(std::chrono::seconds(10));
  EXPECT_EQ(second.status().error, "");
  EXPECT_EQ(second.status().remedy, "");
  EXPECT_NO_THROW(HttpClient{port.port()}) << "the connection is taken";
}

TEST(MonitoringServer, IsStoppedBeforeItListens_TriesNoMore) {
  const test::ReservedPort port;
  const ListenAddress address{"127.0.0.1", port.port()};
  test::VirtualTimers timers;
  test::FakeStatus status{timers};
  MonitoringServer first(timers.executor(), timers, address, status);
  MonitoringServer second(timers.executor(), timers, address, status);
  first.start();
  second.start();
  second.stop();
  first.stop();
  timers.run_for(std::chrono::minutes(1));
  EXPECT_THROW(HttpClient{port.port()}, std::runtime_error);
}

TEST(MonitoringServer, AddressIsNotOfThisHost_StatusSaysSo) {
  test::VirtualTimers timers;
  test::FakeStatus status{timers};
  MonitoringServer server(timers.executor(), timers, {"192.0.2.1", 9717}, status);
  server.start();
  EXPECT_THAT(server.status().error, HasSubstr("192.0.2.1:9717 of agent.listen is none of this host"));
  EXPECT_THAT(server.status().remedy, HasSubstr("ip -brief address"));
}

TEST(MonitoringServer, AddressIsIPv6_IsServed) {
  test::ReservedPort port;
  boost::asio::io_context context{1};
  const SystemClock clock;
  BootTimers timers{context, clock};
  test::FakeStatus status{timers};
  MonitoringServer server(context.get_executor(), timers, {"::1", port.port()}, status);
  server.start();
  EXPECT_EQ(server.status().error, "") << "the port of 127.0.0.1 is another one";
  server.stop();
}

}  // namespace
}  // namespace jeton::agent
