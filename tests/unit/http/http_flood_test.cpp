// An answer that does not end: it is refused or timed out, whatever it is made of, and the connection ends.
#include <algorithm>
#include <string>

#include "tests/support/network_process.hpp"
#include "tests/unit/http/http_client_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::NetworkProcess;
using ::testing::HasSubstr;

class HttpFloodFixture : public HttpClientFixture {
 protected:
  HttpRequest to(const NetworkProcess& server, const std::string& kind) {
    HttpRequest r = request("http://" + server.at() + "/token");
    if (kind.starts_with("h2_")) r.route.http_version = HttpVersion::v2;
    return r;
  }
  static bool ended(const NetworkProcess& server) {
    return eventually([&] {
      const auto lines = server.asked();
      return std::find(lines.begin(), lines.end(), "closed") != lines.end();
    });
  }
  // Bytes without a bound, so that only the time ends it.
  static constexpr std::size_t no_bound = std::size_t{1} << 40U;
};

class HttpFlood : public HttpFloodFixture, public ::testing::WithParamInterface<const char*> {};

TEST_P(HttpFlood, AnswerNeverEnds_IsRefusedLongBeforeTheTimeout) {
  const NetworkProcess server("flood.mjs", {{"kind", GetParam()}});
  HttpRequest r = to(server, GetParam());
  r.timeout = 5min;
  r.max_body = 1000;
  EXPECT_THAT(failure(std::move(r)), ::testing::AnyOf(Reason::too_large, Reason::broken)) << message_;
  EXPECT_THAT(message_, ::testing::Not(HasSubstr("memory")));
  EXPECT_TRUE(ended(server));
}

INSTANTIATE_TEST_SUITE_P(Http1, HttpFlood,
                         ::testing::Values("interim", "header_lines", "header_line", "trailers", "trailer_line",
                                           "chunk_extension", "thin_chunks"),
                         [](const auto& instance) { return std::string(instance.param); });
INSTANTIATE_TEST_SUITE_P(Http2, HttpFlood,
                         ::testing::Values("h2_headers", "h2_interim", "h2_trailers", "h2_empty_data", "h2_padded_data",
                                           "h2_ping", "h2_settings", "h2_continuation"),
                         [](const auto& instance) { return std::string(instance.param); });

using HttpHeaders = HttpFloodFixture;

TEST_F(HttpHeaders, LineNeverEnds_IsNamed) {
  const NetworkProcess server("flood.mjs", {{"kind", "header_line"}});
  EXPECT_EQ(failure(to(server, "header_line")), Reason::too_large);
  EXPECT_THAT(message_, ::testing::EndsWith("sent a header line that is too long"));
}

class HttpDeadline : public HttpFloodFixture {
 protected:
  // Returns when the server has been asked.
  Pending* keep_libcurl_busy(const NetworkProcess& server) {
    HttpRequest r = to(server, "h2_empty_data");
    r.timeout = 5min;
    r.max_body = no_bound;
    Pending* const busy = start(std::move(r));
    EXPECT_TRUE(loop_.turn_until([&] { return !server.asked().empty(); }));
    return busy;
  }
  void expect_aborted(const Pending& busy, const NetworkProcess& server) {
    ASSERT_TRUE(loop_.turn_until([&] { return busy.done; }));
    EXPECT_TRUE(busy.aborted());
    EXPECT_TRUE(ended(server));
  }
};

TEST_F(HttpDeadline, LibcurlDoesNotReturn_RequestTimesOut) {
  const NetworkProcess server("flood.mjs", {{"kind", "h2_empty_data"}});
  HttpRequest r = to(server, "h2_empty_data");
  r.timeout = 4s;  // a thread has begun by then, or the message would be another one
  r.max_body = no_bound;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_THAT(message_, HasSubstr("no complete answer within 4s (source.timeout)"));
  EXPECT_TRUE(ended(server));
}

TEST_F(HttpDeadline, BodyDribbles_RequestTimesOut) {
  const NetworkProcess server("flood.mjs", {{"kind", "dribble"}});
  HttpRequest r = to(server, "dribble");
  r.timeout = 500ms;
  EXPECT_EQ(failure(std::move(r)), Reason::timeout);
  EXPECT_TRUE(ended(server));
}

TEST_F(HttpDeadline, ServerKeepsLibcurlBusy_OtherServersAnswer) {
  const NetworkProcess server("flood.mjs", {{"kind", "h2_empty_data"}});
  Pending* const busy = keep_libcurl_busy(server);
  EXPECT_EQ(perform(request()).status, 200);
  EXPECT_FALSE(busy->done);
  busy->cancel.emit(boost::asio::cancellation_type::terminal);
  expect_aborted(*busy, server);
}

TEST_F(HttpDeadline, ServerKeepsLibcurlBusy_StopEndsIt) {
  const NetworkProcess server("flood.mjs", {{"kind", "h2_empty_data"}});
  Pending* const busy = keep_libcurl_busy(server);
  client_->stop();
  expect_aborted(*busy, server);
}

}  // namespace
}  // namespace jeton::agent
