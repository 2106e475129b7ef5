// The stream of a lock whose holder reads nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/unix_http.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using test::ApiHost;
using test::HttpClient;
using Json = nlohmann::json;

class LockStream : public ::testing::Test {
 protected:
  LockStream() {
    host.on_loop([&](auto& status) {
      status.add("api");
      status.offer_locks(directory.path());
    });
  }

  static ApiLimits impatient_with_readers() {
    ApiLimits limits = test::patient_limits();
    limits.write_deadline = std::chrono::milliseconds(100);
    return limits;
  }
  static Json next(HttpClient& client) { return Json::parse(client.read_line().value()); }

  std::size_t held() {
    std::size_t n = 0;
    host.on_loop([&](auto& status) { n = status.locks()->sessions().held; });
    return n;
  }

  // Each extension is news for the holder.
  void extend_often(const std::string& owner, int times, int ttl_ms) {
    const std::string body = Json{{"owner", owner}, {"ttl_ms", ttl_ms}}.dump();
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(test::unix_http_post(host.socket(), "/v1/locks/job/extend", body).status, 200);
    }
  }

  // Returns when a client that takes nothing has been dropped since, so the deadline of a write has passed.
  void outlast_the_write_deadline() {
    ASSERT_TRUE(test::eventually([&] { return host.connections() == 1; })) << "the holder's";
    HttpClient other(host.socket());
    other.open_stream("/v1/tokens/api/events");
    ASSERT_EQ(host.connections(), 2U);
    ASSERT_TRUE(host.flood_until_left(1, "api"));
  }

  test::TempDir directory;
  ApiHost host{impatient_with_readers()};
};

// More lines than the buffer of a socket holds.
TEST_F(LockStream, HolderReadsNoNews_IsNotDroppedAndReadsTheNewest) {
  HttpClient holder(host.socket());
  ASSERT_EQ(holder.open_posted_stream("/v1/locks/job", R"({"ttl_ms":60000})").status, 200);
  const Json acquired = next(holder);
  ASSERT_EQ(acquired["event"], "acquired");
  extend_often(acquired["owner"], 1000, 60'000);
  outlast_the_write_deadline();
  extend_often(acquired["owner"], 1, 120'000);

  Json line = next(holder);
  int lines = 1;
  for (; line["ttl_ms"] != 120'000; ++lines) {
    const Json later = next(holder);
    ASSERT_EQ(later["event"], "renewed") << later;
    EXPECT_GE(later["valid_until_boot_ms"], line["valid_until_boot_ms"]) << "an old line came after a newer one";
    line = later;
  }
  EXPECT_LT(lines, 1000) << "what was old before there was room is left out";
  holder.close();
  EXPECT_TRUE(test::eventually([&] { return held() == 0; }));
}

TEST_F(LockStream, RenewalFails_HolderReadsWhyBeforeTheLossAndWithIt) {
  HttpClient holder(host.socket());
  ASSERT_EQ(holder.open_posted_stream("/v1/locks/job", R"({"ttl_ms":9000})").status, 200);
  ASSERT_EQ(next(holder)["event"], "acquired");
  // A directory that is gone would be made anew.
  host.on_loop([&](auto&) {
    std::filesystem::remove_all(directory.path());
    std::ofstream(directory.path()) << "in its place";
  });
  Json line = next(holder);
  while (line["event"] == "renewed") line = next(holder);
  ASSERT_EQ(line["event"], "not_renewed") << line;
  EXPECT_THAT(line["reason"].get<std::string>(), testing::HasSubstr("cannot be saved in its file"));
  line = next(holder);
  ASSERT_EQ(line["event"], "lost") << "the same trouble is told once: " << line;
  EXPECT_THAT(line["reason"].get<std::string>(), testing::AllOf(testing::HasSubstr("could not be renewed in time"),
                                                                testing::HasSubstr("cannot be saved in its file")));
}

}  // namespace
}  // namespace jeton::agent
