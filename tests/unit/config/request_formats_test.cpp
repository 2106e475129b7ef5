// The values of ${now:...} and ${nonce:...}.
#include "agent/config/text/request_formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace jeton::agent {
namespace {

using ::testing::MatchesRegex;

constexpr WallTime moment = from_unix_ms(1'772'582'405'678);  // 2026-03-04 00:00:05.678 UTC

TEST(TimeFormat, IsKnown_GivesTheTimeInUtc) {
  EXPECT_EQ(format_time("unix", moment), "1772582405");
  EXPECT_EQ(format_time("unix_ms", moment), "1772582405678");
  EXPECT_EQ(format_time("rfc3339", moment), "2026-03-04T00:00:05Z");
  EXPECT_EQ(format_time("%Y%m%d", moment), "20260304");
  EXPECT_EQ(format_time("%Y-%m-%d %H:%M:%S 100%%", moment), "2026-03-04 00:00:05 100%");
  EXPECT_EQ(format_time("%d.%m.%Y", from_unix_ms(0)), "01.01.1970");
}

// As Alipay and Taobao want it.
TEST(TimeFormat, ZoneStandsBeforeIt_IsInThatZone) {
  EXPECT_EQ(format_time("+08:00 %Y-%m-%d %H:%M:%S", moment), "2026-03-04 08:00:05");
  EXPECT_EQ(format_time("-03:30 %Y-%m-%d %H:%M", moment), "2026-03-03 20:30");
  EXPECT_TRUE(is_time_format("+08:00 %H"));
  EXPECT_FALSE(is_time_format("+08:00 unix"));
  EXPECT_EQ(format_time("+8:00 %H", moment), "+8:00 00") << "that is text";
}

TEST(TimeFormat, IsNone_IsRefused) {
  for (const char* format : {"", "now", "UNIX", "%", "%Y%", "%q", "%s", "%%", "100%%"}) {
    EXPECT_FALSE(is_time_format(format)) << format;
  }
  for (const char* format : {"unix", "unix_ms", "rfc3339", "%Y", "at %H:%M"}) EXPECT_TRUE(is_time_format(format));
}

TEST(Nonce, IsMadeTwice_IsAnotherOne) {
  OsRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 64; ++i) {
    const std::string uuid = make_nonce("uuid", random);
    EXPECT_THAT(uuid, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second);
    EXPECT_TRUE(seen.insert(make_nonce("hex32", random)).second);
  }
  EXPECT_THAT(make_nonce("hex8", random), MatchesRegex("[0-9a-f]{8}"));
}

TEST(Nonce, FormatIsNone_IsRefused) {
  for (const char* format : {"", "hex", "hex7", "hex9", "hex6", "hex130", "hex032x", "UUID", "base64"}) {
    EXPECT_FALSE(nonce_digits(format)) << format;
  }
  EXPECT_EQ(nonce_digits("hex128"), 128U);
}

}  // namespace
}  // namespace jeton::agent
