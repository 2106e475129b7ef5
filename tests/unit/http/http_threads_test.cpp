// Requests are apart from each other: what holds one up, in the server, in libcurl or in the kernel, holds up no other.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "agent/base/unique_fd.hpp"
#include "tests/support/network_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/http/http_client_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::FaultProvider;
using ::testing::HasSubstr;

class HttpThreadsTest : public HttpClientFixture {
 protected:
  void take_all_threads_of_the_provider() {
    provider_.behave(Behaviour::only(Behaviour::Kind::hang));
    for (std::size_t i = 0; i < HttpThreads::usual_threads_per_origin; ++i) start(request());
    ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == HttpThreads::usual_threads_per_origin; }));
  }

  FaultProvider other_;
};

TEST_F(HttpThreadsTest, ServerLetsEveryRequestHang_OtherServersAnswerAndItsNextRequestWaits) {
  take_all_threads_of_the_provider();
  provider_.behave(Behaviour::good());
  Pending* const next = start(request());
  EXPECT_EQ(perform(request(other_.url())).status, 200);
  EXPECT_FALSE(next->done);
  EXPECT_EQ(provider_.counts().requests, HttpThreads::usual_threads_per_origin);
  pending_.front().cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return next->done; }));
  EXPECT_FALSE(next->error);
}

TEST_F(HttpThreadsTest, RequestWaitsForOthersOfItsServer_ItsTimeoutCounts) {
  take_all_threads_of_the_provider();
  HttpRequest r = request();
  r.timeout = 100ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_THAT(message_, HasSubstr("was not asked within source.timeout"));
}

TEST_F(HttpThreadsTest, RequestThatWaitsIsCancelled_IsNeverSent) {
  take_all_threads_of_the_provider();
  Pending* const next = start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return next->begun; }));
  next->cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return next->done; }));
  EXPECT_TRUE(next->aborted());
  pending_.front().cancel.emit(boost::asio::cancellation_type::terminal);
  provider_.behave(Behaviour::good());
  EXPECT_EQ(perform(request()).status, 200);
  EXPECT_EQ(provider_.counts().requests, HttpThreads::usual_threads_per_origin + 1);
}

TEST_F(HttpThreadsTest, LimitIsTwo_ThirdRequestWaits) {
  client_->limit_connections(2);
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  for (int i = 0; i < 3; ++i) start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 2; }));
  EXPECT_EQ(perform(request(other_.url())).status, 200);
  EXPECT_EQ(provider_.counts().requests, 2U);
  pending_.front().cancel.emit(boost::asio::cancellation_type::terminal);
  EXPECT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 3; }));
}

TEST_F(HttpThreadsTest, LimitIsRaised_RequestsThatWaitAreSent) {
  client_->limit_connections(1);
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  for (int i = 0; i < 3; ++i) start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return pending_.back().begun && provider_.counts().requests == 1; }));
  client_->limit_connections(3);
  EXPECT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 3; }));
}

TEST_F(HttpThreadsTest, LimitIsLowered_ThreadsAboveItEndThoughRequestsWait) {
  client_->limit_connections(3);
  provider_.behave(Behaviour::only(Behaviour::Kind::hang));
  for (int i = 0; i < 6; ++i) start(request());
  ASSERT_TRUE(loop_.turn_until([&] { return pending_.back().begun && provider_.counts().requests == 3; }));
  client_->limit_connections(1);
  for (std::size_t i = 0; i < 3; ++i) pending_[i].cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return provider_.counts().requests == 4; }));
  // A thread too many would take the last request but one, too.
  EXPECT_EQ(perform(request(other_.url())).status, 200);
  EXPECT_EQ(provider_.counts().requests, 4U);
}

// A server that keeps connections, and one request at a time; the first waits for end_delays().
class KeptHttpConnection : public HttpClientFixture {
 protected:
  void SetUp() override {
    client_->limit_connections(1);
    server_.behave(Behaviour::slow(1h), 1);
  }
  Pending* start_and_begin() {
    Pending* const pending = start(request(server_.url()));
    EXPECT_TRUE(loop_.turn_until([&] { return pending->begun; }));
    return pending;
  }
  FaultProvider server_{{.keep_alive = true}};
};

TEST_F(KeptHttpConnection, RequestsFollowEachOther_UseOneConnection) {
  start_and_begin();
  ASSERT_TRUE(loop_.turn_until([&] { return server_.counts().requests == 1; }));
  for (int i = 0; i < 9; ++i) start_and_begin();
  server_.end_delays();
  for (const Pending& pending : pending_) {
    ASSERT_TRUE(loop_.turn_until([&] { return pending.done; }));
    EXPECT_FALSE(pending.error);
  }
  EXPECT_EQ(server_.counts().requests, 10U);
  EXPECT_EQ(server_.counts().connections, 1U);
}

TEST_F(KeptHttpConnection, RequestComesAfterTheEndOfAnother_UsesItsConnection) {
  client_->keep_idle(1h);
  server_.behave({}, -1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(perform(request(server_.url())).status, 200);
  EXPECT_EQ(server_.counts().requests, 5U);
  EXPECT_EQ(server_.counts().connections, 1U);
}

TEST_F(KeptHttpConnection, NoRequestFollows_ThreadAndConnectionEnd) {
  client_->keep_idle(1ms);
  server_.behave({}, -1);
  EXPECT_EQ(perform(request(server_.url())).status, 200);
  EXPECT_TRUE(loop_.turn_until([&] { return server_.counts().open == 0; }));
}

TEST_F(KeptHttpConnection, ServerEndsTheIdleConnection_NextRequestHasANewOne) {
  client_->keep_idle(1h);
  server_.behave({}, -1);
  EXPECT_EQ(perform(request(server_.url())).status, 200);
  server_.stop_listening();
  EXPECT_TRUE(loop_.turn_until([&] { return server_.counts().open == 0; }));
  server_.listen_again();
  EXPECT_EQ(perform(request(server_.url())).status, 200);
  EXPECT_EQ(server_.counts().connections, 2U);
}

// libcurl alone would send it again, although the server may have acted on it.
TEST_F(KeptHttpConnection, ConnectionEndsUnderTheNextRequest_ItIsNotSentAgain) {
  start_and_begin();
  ASSERT_TRUE(loop_.turn_until([&] { return server_.counts().requests == 1; }));
  Pending* const next = start_and_begin();
  server_.behave(Behaviour::only(Behaviour::Kind::vanish), 1);
  server_.end_delays();
  ASSERT_TRUE(loop_.turn_until([&] { return next->done; }));
  EXPECT_THROW(std::rethrow_exception(next->error), HttpError);
  EXPECT_EQ(server_.counts().requests, 2U);
  EXPECT_EQ(perform(request(server_.url())).status, 200);
}

TEST_F(KeptHttpConnection, RequestBeforeWasGivenUp_NextOneHasANewConnection) {
  Pending* const first = start_and_begin();
  ASSERT_TRUE(loop_.turn_until([&] { return server_.counts().requests == 1; }));
  Pending* const next = start_and_begin();
  first->cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return next->done; }));
  EXPECT_FALSE(next->error);
  EXPECT_EQ(server_.counts().connections, 2U);
}

// A server at its limit, or about to end its connection. It has not seen the request.
TEST_F(HttpThreadsTest, ServerOfHttp2RefusesAStream_RequestIsSentAgain) {
  const test::NetworkProcess server("refuse.mjs", nlohmann::json::object());
  HttpRequest r = request("http://" + server.at() + "/token");
  r.route.http_version = HttpVersion::v2;
  EXPECT_EQ(perform(std::move(r)).status, 200);
  EXPECT_EQ(server.asked().size(), 2U);
}

// A named pipe in place of a file: a thread that reads it hangs in the kernel, where no shutdown of a socket reaches.
class HttpThreadInTheKernel : public HttpClientFixture {
 protected:
  HttpThreadInTheKernel() {
    EXPECT_EQ(::mkfifo(pipe().c_str(), 0600), 0);
    writer_ = UniqueFd(::open(pipe().c_str(), O_RDWR | O_CLOEXEC));
    opened_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    EXPECT_GE(::inotify_add_watch(opened_.get(), pipe().c_str(), IN_OPEN), 0);
  }
  [[nodiscard]] std::string pipe() const { return (dir_.path() / "ca.pem").string(); }
  // Over TLS to a server that waits for its client to speak.
  HttpRequest stuck() {
    HttpRequest r = request("https://127.0.0.1:" + std::to_string(provider_.port()) + "/token");
    r.route.tls.ca_file = pipe();
    return r;
  }
  bool is_open() {
    std::array<char, 4096> events{};
    return ::read(opened_.get(), events.data(), events.size()) > 0;
  }
  // That a thread still reads it: what is written is taken away.
  bool is_read() {
    EXPECT_EQ(::write(writer_.get(), "x", 1), 1);
    return test::eventually([this] {
      int left = 0;
      return ::ioctl(writer_.get(), FIONREAD, &left) == 0 && left == 0;
    });
  }

  test::TempDir dir_;
  UniqueFd writer_;  // its end lets the reader go on
  UniqueFd opened_;
};

TEST_F(HttpThreadInTheKernel, FileCannotBeRead_RequestTimesOutAndOthersAreAnswered) {
  HttpRequest r = stuck();
  r.timeout = 200ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_EQ(perform(request()).status, 200);
}

TEST_F(HttpThreadInTheKernel, AllThreadsOfAServerHang_ServerIsStuck) {
  for (std::size_t i = 0; i < HttpThreads::usual_threads_per_origin; ++i) {
    EXPECT_EQ(client_->stuck_server(0s), "");
    Pending* const pending = start(stuck());
    ASSERT_TRUE(loop_.turn_until([&] { return is_open(); }));
    pending->cancel.emit(boost::asio::cancellation_type::terminal);
    ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  }
  EXPECT_EQ(client_->stuck_server(0s), "https://127.0.0.1:" + std::to_string(provider_.port()));
  EXPECT_EQ(client_->stuck_server(1h), "");
}

TEST_F(HttpThreadInTheKernel, LimitIsLoweredToTheThreadsThatHang_ServerIsNotStuckWhileOthersWork) {
  Pending* const given_up = start(stuck());
  ASSERT_TRUE(loop_.turn_until([&] { return is_open(); }));
  start(stuck());  // still within its time
  ASSERT_TRUE(loop_.turn_until([&] { return is_open(); }));
  given_up->cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return given_up->done; }));
  client_->limit_connections(1);
  EXPECT_EQ(client_->stuck_server(0s), "");
  pending_.back().cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop_.turn_until([&] { return pending_.back().done; }));
  EXPECT_NE(client_->stuck_server(0s), "");
}

TEST_F(HttpThreadInTheKernel, FileCannotBeRead_StopLeavesTheThreadBehind) {
  Pending* const pending = start(stuck());
  ASSERT_TRUE(loop_.turn_until([&] { return is_open(); }));
  client_.reset();
  ASSERT_TRUE(loop_.turn_until([&] { return pending->done; }));
  EXPECT_TRUE(pending->aborted());
  EXPECT_TRUE(is_read()) << "the thread has ended, though nobody wrote";
}

}  // namespace
}  // namespace jeton::agent
