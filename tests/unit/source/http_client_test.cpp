#include "agent/source/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "tests/support/fault_provider.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::eventually;
using test::FaultProvider;
using ::testing::HasSubstr;
using ::testing::Not;
using Reason = HttpError::Reason;

constexpr const char* secret = "s3cr3t-value";

class HttpClientTest : public ::testing::Test {
 protected:
  HttpRequest request(const std::string& url) {
    HttpRequest request;
    request.url = SecretString(url + "?key=" + secret);
    request.display = url;
    request.headers.push_back({"Authorization", SecretString(std::string("Bearer ") + secret)});
    request.timeout = 20s;
    return request;
  }
  HttpRequest request() { return request(provider_.url()); }

  HttpResponse perform(HttpRequest r) { return loop_.run(client_->perform(std::move(r))); }

  // Why the request fails; the message must not hold the secret.
  Reason failure(HttpRequest r) {
    try {
      static_cast<void>(perform(std::move(r)));
    } catch (const HttpError& e) {
      message_ = e.what();
      EXPECT_THAT(message_, Not(HasSubstr(secret)));
      return e.reason();
    }
    ADD_FAILURE() << "the request did not fail";
    return Reason::request;
  }

  // A request whose end is noted instead of waited for.
  struct Pending {
    bool begun = false;
    bool done = false;
    std::exception_ptr error;
    boost::asio::cancellation_signal cancel;

    [[nodiscard]] bool aborted() const {
      try {
        if (error) std::rethrow_exception(error);
      } catch (const boost::system::system_error& e) {
        return e.code() == boost::asio::error::operation_aborted;
      } catch (const std::exception&) {
      }
      return false;
    }
  };
  Pending* start(HttpRequest r) {
    Pending* const pending = &pending_.emplace_back();
    boost::asio::co_spawn(
        loop_.context, note_begin(pending, std::move(r)),
        boost::asio::bind_cancellation_slot(pending->cancel.slot(), [pending](std::exception_ptr error) {
          pending->done = true;
          pending->error = error;
        }));
    return pending;
  }
  Task<> note_begin(Pending* pending, HttpRequest r) {
    pending->begun = true;
    co_await client_->perform(std::move(r));
  }

  FaultProvider provider_;
  std::deque<Pending> pending_;  // outlives the loop: outside of its turns emit() is posted to it
  test::Loop loop_;
  std::unique_ptr<HttpClient> client_ = std::make_unique<HttpClient>();
  std::string message_;
};

TEST_F(HttpClientTest, GetArrivesAsItWasMade) {
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

TEST_F(HttpClientTest, PostCarriesItsBody) {
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

TEST_F(HttpClientTest, StatusAndRetryAfterAreReturned) {
  provider_.behave(Behaviour::pause(429, "17"));
  const HttpResponse response = perform(request());
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.retry_after, " 17");
}

TEST_F(HttpClientTest, CookiesAreNotKept) {
  provider_.behave({Behaviour::Kind::answer, 200, {{"Set-Cookie", "a=b"}}, "{}", {}});
  static_cast<void>(perform(request()));
  static_cast<void>(perform(request()));
  EXPECT_EQ(provider_.seen().at(1).headers.count("cookie"), 0U);
}

TEST_F(HttpClientTest, SlowAnswerWithinTheTimeIsAnAnswer) {
  provider_.behave(Behaviour::slow(50ms));
  EXPECT_EQ(perform(request()).status, 200);
}

TEST_F(HttpClientTest, HangRunsIntoTheTimeout) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  HttpRequest r = request();
  r.timeout = 100ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_THAT(message_, HasSubstr("no complete answer within 100ms"));
  EXPECT_TRUE(eventually([&] { return provider_.counts().open == 0; }));
}

TEST_F(HttpClientTest, AnswerThatStallsRunsIntoTheTimeout) {
  provider_.behave(Behaviour::only(Behaviour::Kind::stall));
  HttpRequest r = request();
  r.timeout = 100ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
}

TEST_F(HttpClientTest, TruncatedBodyIsBroken) {
  provider_.behave(Behaviour::only(Behaviour::Kind::truncated));
  EXPECT_EQ(failure(request()), Reason::broken);
  EXPECT_THAT(message_, HasSubstr("ended before the answer was complete"));
}

TEST_F(HttpClientTest, RefusedConnectionSaysWhere) {
  provider_.stop_listening();
  EXPECT_EQ(failure(request()), Reason::connect);
  EXPECT_THAT(message_, HasSubstr("127.0.0.1:" + std::to_string(provider_.port())));
  provider_.listen_again();
  EXPECT_EQ(perform(request()).status, 200);
}

TEST_F(HttpClientTest, UnknownNameSaysWhich) {
  EXPECT_EQ(failure(request("http://no-such-host.invalid/token")), Reason::resolve);
  EXPECT_THAT(message_, HasSubstr("no-such-host.invalid"));
}

TEST_F(HttpClientTest, HugeBodyEndsAtTheCap) {
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

TEST_F(HttpClientTest, BodyOfExactlyTheCapIsAnAnswer) {
  provider_.behave(Behaviour::text(std::string(1000, 'x')));
  HttpRequest r = request();
  r.max_body = 1000;
  EXPECT_EQ(perform(std::move(r)).body.size(), 1000U);
  r = request();
  r.max_body = 999;
  EXPECT_EQ(failure(std::move(r)), Reason::too_large);
}

TEST_F(HttpClientTest, FloodOfHeadersEndsTheTransfer) {
  Behaviour flood = Behaviour::text("{}");
  for (int i = 0; i < 100; ++i) flood.headers.emplace_back("X-" + std::to_string(i), std::string(2000, 'x'));
  provider_.behave(flood);
  EXPECT_EQ(failure(request()), Reason::broken);
}

TEST_F(HttpClientTest, HeaderWithALineBreakIsNotSent) {
  HttpRequest r = request();
  r.headers.push_back({"X-Key", SecretString(std::string(secret) + "\r\nX-Forged: 1")});
  EXPECT_EQ(failure(std::move(r)), Reason::request);
  EXPECT_THAT(message_, HasSubstr("X-Key holds a line break"));
  EXPECT_EQ(provider_.counts().connections, 0U);
}

TEST_F(HttpClientTest, OtherProtocolsAreRefused) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "127.0.0.1/x", ""}) {
    EXPECT_EQ(failure(request(url)), Reason::request) << url;
  }
}

TEST_F(HttpClientTest, ProxyOfTheEnvironmentDoesNotSeeLoopback) {
  FaultProvider proxy;
  ASSERT_EQ(::setenv("http_proxy", proxy.url("").c_str(), 1), 0);
  EXPECT_EQ(perform(request()).status, 200);
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxy.counts().connections, 0U);
}

TEST_F(HttpClientTest, RedirectIsReturnedUnlessAllowed) {
  provider_.behave(Behaviour::redirect("/other"));
  EXPECT_EQ(perform(request()).status, 302);
  EXPECT_EQ(provider_.counts().requests, 1U);
}

TEST_F(HttpClientTest, AllowedRedirectIsFollowedOnTheSameHost) {
  provider_.behave(Behaviour::redirect("/other?x=1#fragment"));
  HttpRequest r = request();
  r.max_redirects = 1;
  const HttpResponse response = perform(std::move(r));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(response.body.reveal()), ::testing::StartsWith("{\"access_token\""));
  EXPECT_EQ(provider_.seen().at(1).target, "/other?x=1");
  EXPECT_EQ(provider_.seen().at(1).headers.count("authorization"), 1U);
}

TEST_F(HttpClientTest, RedirectToAnotherHostIsRefused) {
  FaultProvider other;
  for (const std::string& target :
       {other.url("/x"), std::string("http://localhost:") + std::to_string(provider_.port()),
        std::string("https://user@127.0.0.1/"), std::string("file:///etc/passwd")}) {
    provider_.behave(Behaviour::redirect(target));
    HttpRequest r = request();
    r.max_redirects = 5;
    EXPECT_EQ(failure(std::move(r)), Reason::redirect) << target;
  }
  EXPECT_EQ(other.counts().connections, 0U);
}

TEST_F(HttpClientTest, RedirectsEndSomewhere) {
  provider_.behave(Behaviour::redirect("/token"));
  HttpRequest r = request();
  r.max_redirects = 3;
  EXPECT_EQ(failure(std::move(r)), Reason::redirect);
  EXPECT_THAT(message_, HasSubstr("more than 3"));
  EXPECT_EQ(provider_.counts().requests, 4U);
}

TEST_F(HttpClientTest, PostIsRepeatedFor307AndBecomesGetFor302) {
  for (const int status : {307, 302}) {
    provider_.behave(Behaviour::redirect("/other", status));
    HttpRequest r = request();
    r.method = HttpRequest::Method::post;
    r.body = SecretString("a=b");
    r.max_redirects = 1;
    EXPECT_EQ(perform(std::move(r)).status, 200);
  }
  const auto seen = provider_.seen();
  EXPECT_EQ(seen.at(1).method, "POST");
  EXPECT_EQ(seen.at(1).body, "a=b");
  EXPECT_EQ(seen.at(3).method, "GET");
  EXPECT_EQ(seen.at(3).body, "");
}

TEST_F(HttpClientTest, TransfersRunInParallel) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  std::vector<Pending*> hanging;
  for (int i = 0; i < 50; ++i) hanging.push_back(start(request()));
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().open == 50; }));
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

TEST_F(HttpClientTest, CancellationClosesTheConnection) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  Pending* const pending = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 1; }));
  pending->cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
  EXPECT_TRUE(eventually([&] { return provider_.counts().open == 0; }));
}

TEST_F(HttpClientTest, CancellationRacesWithTheAnswer) {
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

TEST_F(HttpClientTest, StopEndsWhatIsPending) {
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

TEST_F(HttpClientTest, DestructionEndsWhatIsPending) {
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  Pending* const pending = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 1; }));
  client_.reset();
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
}

}  // namespace
}  // namespace jeton::agent
