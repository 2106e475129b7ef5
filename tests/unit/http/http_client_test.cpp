#include "agent/http/http_client.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tests/unit/http/http_client_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::eventually;
using test::FaultProvider;
using ::testing::HasSubstr;

class HttpClientTest : public HttpClientFixture {};

TEST_F(HttpClientTest, MethodIsGet_RequestArrivesUnchanged) {
  const HttpResponse response = perform(request());
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(response.body.reveal()), HasSubstr(provider_.issued().at(0).value));
  const test::SeenRequest seen = provider_.seen().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, std::string("/token?key=") + secret);
  EXPECT_EQ(seen.headers.at("authorization"), std::string("Bearer ") + secret);
  EXPECT_EQ(seen.headers.at("accept"), "application/json");
  EXPECT_THAT(seen.headers.at("user-agent"), ::testing::StartsWith("jeton/"));
  EXPECT_EQ(seen.headers.count("accept-encoding"), 0U);
  EXPECT_EQ(seen.headers.count("cookie"), 0U);
}

// Signatures are made over them (${request:host}, ${request:path}, ${request:query}).
TEST_F(HttpClientTest, UrlCanBeWrittenInAnotherWay_IsSentAsItIs) {
  const std::string path = "/a/../%7eb/./c%2fd";
  static_cast<void>(perform(request(provider_.url(path))));
  EXPECT_EQ(provider_.seen().at(0).target, path + "?key=" + secret);
  HttpRequest r = request();
  r.url = SecretString("http://LocalHost:" + std::to_string(provider_.port()) + "/token?a=%7e&b=/../c");
  static_cast<void>(perform(std::move(r)));
  EXPECT_EQ(provider_.seen().at(1).target, "/token?a=%7e&b=/../c");
  EXPECT_EQ(provider_.seen().at(1).headers.at("host"), "LocalHost:" + std::to_string(provider_.port()));
}

TEST_F(HttpClientTest, MethodIsPost_BodyIsSentUnchanged) {
  HttpRequest r = request();
  r.method = HttpRequest::Method::post;
  r.headers.push_back({"Content-Type", SecretString("application/json")});
  r.headers.push_back({"X-Empty", SecretString("")});
  const std::string body = R"({"a":")" + std::string(100'000, 'x') + "\"}";
  r.body = SecretString(body);
  EXPECT_EQ(perform(std::move(r)).status, 200);
  const test::SeenRequest seen = provider_.seen().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, body);
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(seen.headers.at("x-empty"), "");
  EXPECT_EQ(seen.headers.count("expect"), 0U);
}

TEST_F(HttpClientTest, StatusIs429_StatusAndRetryAfterAreReturned) {
  provider_.behave(Behaviour::pause(429, "17"));
  const HttpResponse response = perform(request());
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.retry_after, "17");
}

TEST_F(HttpClientTest, ServerSetsACookie_IsNotSentBack) {
  provider_.behave({Behaviour::Kind::answer, 200, {{"Set-Cookie", "a=b"}}, "{}", {}});
  static_cast<void>(perform(request()));
  static_cast<void>(perform(request()));
  EXPECT_EQ(provider_.seen().at(1).headers.count("cookie"), 0U);
}

TEST_F(HttpClientTest, AnswerIsSlowButInTime_IsReturned) {
  provider_.behave(Behaviour::slow(50ms));
  EXPECT_EQ(perform(request()).status, 200);
}

TEST_F(HttpClientTest, ServerHangs_RequestTimesOut) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  HttpRequest r = request();
  r.timeout = 4s;  // a thread has begun by then, or the message would be another one
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_THAT(message_, HasSubstr("no complete answer within 4s"));
  EXPECT_TRUE(eventually([&] { return provider_.counts().open == 0; }));
}

TEST_F(HttpClientTest, AnswerStalls_RequestTimesOut) {
  provider_.behave(Behaviour::only(Behaviour::Kind::stall));
  HttpRequest r = request();
  r.timeout = 100ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
}

TEST_F(HttpClientTest, BodyIsTruncated_ReasonIsBroken) {
  provider_.behave(Behaviour::only(Behaviour::Kind::truncated));
  EXPECT_EQ(failure(request()), Reason::broken);
  EXPECT_THAT(message_, HasSubstr("ended before the answer was complete"));
}

// For libcurl that is the end of the answer.
TEST_F(HttpClientTest, ConnectionEndsWithinTheHeaders_ReasonIsBroken) {
  Behaviour cut = Behaviour::only(Behaviour::Kind::headers_cut);
  cut.headers = {{"X-Auth-Token", "a-token"}};
  provider_.behave(cut);
  EXPECT_EQ(failure(request()), Reason::broken);
  EXPECT_THAT(message_, HasSubstr("ended before the answer was complete"));
}

TEST_F(HttpClientTest, ConnectionIsRefused_ErrorNamesTheAddress) {
  provider_.stop_listening();
  EXPECT_EQ(failure(request()), Reason::connect);
  EXPECT_THAT(message_, HasSubstr("127.0.0.1:" + std::to_string(provider_.port())));
  provider_.listen_again();
  EXPECT_EQ(perform(request()).status, 200);
}

TEST_F(HttpClientTest, HostNameIsUnknown_ErrorNamesIt) {
  EXPECT_EQ(failure(request("http://no-such-host.invalid/token")), Reason::resolve);
  EXPECT_THAT(message_, HasSubstr("no-such-host.invalid"));
}

TEST_F(HttpClientTest, BodyIsHuge_TransferEndsAtTheCap) {
  for (const auto kind : {Behaviour::Kind::huge_length, Behaviour::Kind::huge_chunked}) {
    const auto before = provider_.counts();
    provider_.behave(Behaviour::only(kind));
    EXPECT_EQ(failure(request()), Reason::too_large);
    EXPECT_THAT(message_, HasSubstr("more than 1048576 bytes"));
    ASSERT_TRUE(eventually([&] { return provider_.counts().huge_ended == before.huge_ended + 1; }));
    // What the server got rid of is the cap and what fits into the buffers of two sockets, not 50 MB.
    EXPECT_LT(provider_.counts().huge_bytes - before.huge_bytes, 25U * 1024 * 1024);
  }
}

TEST_F(HttpClientTest, BodyIsExactlyTheCap_IsReturned) {
  provider_.behave(Behaviour::text(std::string(1000, 'x')));
  HttpRequest r = request();
  r.max_body = 1000;
  EXPECT_EQ(perform(std::move(r)).body.size(), 1000U);
  r = request();
  r.max_body = 999;
  EXPECT_EQ(failure(std::move(r)), Reason::too_large);
}

TEST_F(HttpClientTest, HeadersAreTooLarge_TransferEnds) {
  Behaviour flood = Behaviour::text("{}");
  for (int i = 0; i < 100; ++i) flood.headers.emplace_back("X-" + std::to_string(i), std::string(2000, 'x'));
  provider_.behave(flood);
  EXPECT_EQ(failure(request()), Reason::too_large);
}

TEST_F(HttpClientTest, HeaderHasALineBreak_NothingIsSent) {
  HttpRequest r = request();
  r.headers.push_back({"X-Key", SecretString(std::string(secret) + "\r\nX-Forged: 1")});
  EXPECT_EQ(failure(std::move(r)), Reason::request);
  EXPECT_THAT(message_, HasSubstr("X-Key holds a line break"));
  EXPECT_EQ(provider_.counts().connections, 0U);
}

TEST_F(HttpClientTest, ProtocolIsNotHttp_IsRefused) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "127.0.0.1/x", ""}) {
    EXPECT_EQ(failure(request(url)), Reason::request) << url;
  }
}

TEST_F(HttpClientTest, HostIsLoopback_EnvironmentProxyIsNotUsed) {
  FaultProvider proxy;
  ASSERT_EQ(::setenv("http_proxy", proxy.url("").c_str(), 1), 0);
  EXPECT_EQ(perform(request()).status, 200);
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxy.counts().connections, 0U);
}

TEST_F(HttpClientTest, ManyTransfersHang_AnotherIsAnswered) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  std::vector<Pending*> hanging;
  for (int i = 0; i < 30; ++i) hanging.push_back(start(request()));
  // Each has been given its behaviour by then.
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 30; }));
  provider_.behave(Behaviour::good());
  EXPECT_EQ(perform(request()).status, 200);
  for (Pending* pending : hanging) {
    EXPECT_FALSE(pending->done);
    pending->cancel.emit(boost::asio::cancellation_type::terminal);
  }
  EXPECT_TRUE(loop_.turn_until([&] {
    return std::all_of(hanging.begin(), hanging.end(), [](const Pending* p) { return p->done && p->aborted(); });
  }));
  EXPECT_TRUE(eventually([&] { return provider_.counts().open == 0; }));
}

TEST_F(HttpClientTest, RequestIsCancelled_ConnectionIsClosed) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  Pending* const pending = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 1; }));
  pending->cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
  EXPECT_TRUE(eventually([&] { return provider_.counts().open == 0; }));
}

TEST_F(HttpClientTest, CancellationRacesWithTheAnswer_RequestSucceedsOrIsAborted) {
  for (int i = 0; i < 200; ++i) {
    Pending* const pending = start(request());
    // Asio lets the exception out of run() when a coroutine is cancelled before it has begun.
    ASSERT_TRUE(loop_.turn_until([&] { return pending->begun; }));
    for (int turns = i % 20; turns > 0 && !pending->done; --turns) {
      loop_.context.restart();
      loop_.context.run_one_for(50us);
    }
    pending->cancel.emit(boost::asio::cancellation_type::terminal);
    ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
    EXPECT_TRUE(!pending->error || pending->aborted());
  }
}

TEST_F(HttpClientTest, ClientIsStopped_PendingAndLaterRequestsAreAborted) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  Pending* const pending = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 1; }));
  client_->stop();
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
  Pending* const late = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return late->done; }));
  EXPECT_TRUE(late->aborted());
}

TEST_F(HttpClientTest, ClientIsDestroyed_PendingRequestIsAborted) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  Pending* const pending = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 1; }));
  client_.reset();
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
}

}  // namespace
}  // namespace jeton::agent
