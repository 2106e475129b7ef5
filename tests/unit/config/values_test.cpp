#include "agent/config/text/values.hpp"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

TEST(Duration, WholeNumberAndOneUnit_IsTheOnlyForm) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("7d"), 7 * 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "1.5s", "1h30m", "5S", "5us", "0x5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, DoesNotFitIntoNanoseconds_IsRefused) {
  EXPECT_TRUE(parse_duration("106751d").has_value());
  EXPECT_FALSE(parse_duration("106752d").has_value());
  EXPECT_FALSE(parse_duration("18446744073709551615ms").has_value());
  EXPECT_FALSE(parse_duration("18446744073709551616ms").has_value());
}

TEST(Duration, IsFormatted_HasTheLargestWholeUnit) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(48h), "2d");
}

TEST(Size, NumberWithOrWithoutABinaryUnit_IsTheOnlyForm) {
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("8KiB"), 8192U);
  EXPECT_EQ(parse_size("1MiB"), 1024U * 1024U);
  for (const char* text : {"", "KiB", "8KB", "8k", "8 KiB", "-1", "1e3", "18446744073709551616", "99999999999999GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Nearest, WordIsMisspelt_NearestKeyIsFound) {
  const std::vector<std::string_view> keys{"grace", "spread", "min_interval", "overlap", "retry"};
  EXPECT_EQ(nearest("graze", keys), "grace");
  EXPECT_EQ(nearest("garce", keys), "grace");
  EXPECT_EQ(nearest("spred", keys), "spread");
  EXPECT_EQ(nearest("min-interval", keys), "min_interval");
  EXPECT_EQ(nearest("retries", keys), std::nullopt);
  EXPECT_EQ(nearest("x", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("to", {"do"}), std::nullopt);
}

TEST(IsBelow, PathsAreCompared_NamesCountAndNotLetters) {
  for (const char* path : {"/run/jeton/token", "/run/jeton/a/b", "/run/x/../jeton/token"}) {
    EXPECT_TRUE(is_below(path, "/run/jeton")) << path;
    EXPECT_TRUE(is_below(path, "/run/jeton/")) << path;
  }
  for (const char* path : {"/run", "/run/jeton", "/run/jetons/token", "/run/jeton/../token", "run/jeton/token"}) {
    EXPECT_FALSE(is_below(path, "/run/jeton")) << path;
  }
  EXPECT_FALSE(is_below("/run/jeton/token", "run/jeton"));
}

TEST(Utf8, TextIsMalformed_IsNoUtf8) {
  EXPECT_TRUE(is_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x91"));
  for (const char* text : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

}  // namespace
}  // namespace jeton::agent
