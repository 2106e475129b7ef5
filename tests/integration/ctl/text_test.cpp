// The small parts of jetonctl that write and read text.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/output.hpp"
#include "libclient/ctl/segments.hpp"
#include "libclient/ctl/status_text.hpp"

namespace jeton::ctl {
namespace {

TEST(CtlDuration, UnitIsGiven_IsRead) {
  EXPECT_EQ(parse_duration("500ms"), Milliseconds(500));
  EXPECT_EQ(parse_duration("30s"), Milliseconds(30'000));
  EXPECT_EQ(parse_duration("5m"), Milliseconds(300'000));
  EXPECT_EQ(parse_duration("24h"), Milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("0s"), Milliseconds(0));
}

TEST(CtlDuration, UnitIsADay_IsReadAsInTheConfiguration) {
  EXPECT_EQ(parse_duration("1d"), Milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("36501d"), std::nullopt);
}

TEST(CtlDuration, UnitIsMissingOrTextIsMalformed_IsRefused) {
  for (const char* text : {"", "5", "s", "-5s", "5 s", "5sec", "1.5s", "1h30m", "+5s", "99999999999999999999s",
                           "9223372036854775807h", "900000h", " 5s", "5s "}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(CtlDuration, AnyDuration_IsWrittenShort) {
  EXPECT_EQ(duration_text(0), "0ms");
  EXPECT_EQ(duration_text(999), "999ms");
  EXPECT_EQ(duration_text(1'000), "1s");
  EXPECT_EQ(duration_text(8'250), "8.2s");
  EXPECT_EQ(duration_text(59'999), "59s");
  EXPECT_EQ(duration_text(300'000), "5m");
  EXPECT_EQ(duration_text(301'000), "5m 1s");
  EXPECT_EQ(duration_text(6'540'000), "1h 49m");
  EXPECT_EQ(duration_text(86'400'000), "1d");
  EXPECT_EQ(duration_text(-12), "-12ms");
  EXPECT_EQ(relative_text(-5'000), "5s ago");
  EXPECT_EQ(relative_text(5'000), "in 5s");
  EXPECT_EQ(duration_text(INT64_MIN), duration_text(-INT64_MAX));
}

TEST(CtlDuration, UnixTime_IsWrittenInUtc) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(1'767'323'045'678), "2026-01-02T03:04:05Z");
  EXPECT_FALSE(time_text(INT64_MAX).empty());
}

TEST(CtlOutput, LineIsTooLong_IsBrokenAtSpacesUnderItsLabel) {
  const std::string text = wrapped("  error ", std::string(60, 'a') + " " + std::string(30, 'b') + " cc");
  EXPECT_EQ(text, "  error " + std::string(60, 'a') + "\n        " + std::string(30, 'b') + " cc\n");
  EXPECT_EQ(wrapped("x ", ""), "x \n");
  EXPECT_EQ(wrapped("x ", std::string(200, 'a')), "x " + std::string(200, 'a') + "\n") << "a long word stays whole";
}

TEST(CtlOutput, TextIsTooLong_IsCutBetweenCharacters) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abc...");
  EXPECT_EQ(shortened("a日本語", 7), "a日...");
  EXPECT_EQ(shortened("a日本語", 6), "a...");
  EXPECT_EQ(shortened("abcdef", 2), "...");
}

TEST(CtlOutput, ControlCharacters_ArePrintedAsQuestionMarks) {
  EXPECT_EQ(printable("a\x1b[31mb\n\x7f\xc2\x9b"), "a?[31mb????");
  EXPECT_EQ(printable("ü € 日本"), "ü € 日本");
  EXPECT_EQ(printable("\xc2\xc2tly"), "\xc2\xc2tly");  // no such character: the letter stays
}

TEST(CtlOutput, JsonStringIsAppended_IsEscaped) {
  WipedText text;
  text.reserve(64);
  text.append_json("a\"b\\c\n\x01");
  EXPECT_EQ(text.view(), "\"a\\\"b\\\\c\\u000a\\u0001\"");
  EXPECT_THROW(text.append(std::string(100, 'x')), std::logic_error) << "growing would leave a copy behind";
}

TEST(CtlSegments, NameIsNearAKnownOne_KnownNameIsSuggested) {
  EXPECT_EQ(unknown_token_text("wehcat", {"github", "wechat"}),
            "no token 'wehcat' is configured; did you mean 'wechat'? known: github, wechat");
  EXPECT_EQ(unknown_token_text("zoom", {"github", "wechat"}), "no token 'zoom' is configured; known: github, wechat");
  EXPECT_EQ(unknown_token_text("zoom", {}), "no token 'zoom' is configured; known: none");
}

TEST(CtlSegments, ThereAreMany_TheWorstIsFirstAndWhatIsOfOthersLast) {
  const std::string text = segments_text({{"a", "denied", "permission denied", {}},
                                          {"b", "valid", {}, {}},
                                          {"c", "rejected", {}, {}},
                                          {"d", "expired", {}, {}}});
  std::vector<std::size_t> places;
  for (const char* name : {"\nd ", "\nc ", "\nb ", "\na "}) places.push_back(text.find(name));
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end())) << text;
  EXPECT_NE(places.back(), std::string::npos) << text;
}

// An agent of another version may leave members out or give them other types.
TEST(CtlStatusText, AnswerLacksMembersOrHasOtherTypes_TextIsShown) {
  for (const char* answer :
       {"{}", R"({"tokens":[{}]})", R"({"tokens":[{"name":5,"lock":7,"pause":"x","last_error":[]}]})",
        R"({"tokens":7,"coordinator":[]})", R"({"name":"wechat","expires_at_ms":"soon"})"}) {
    EXPECT_FALSE(agent_text(Json::parse(answer)).empty());
    EXPECT_FALSE(token_text(Json::parse(answer)).empty());
  }
}

TEST(CtlStatusText, OutputOrItsHookFails_IsShownInBothViews) {
  const Json token = Json::parse(
      R"({"name": "api", "state": "valid", "phase": "quiet", "now_ms": 1000000, "outputs": [
        {"path": "/run/x/t", "state": "failing", "generation": 17, "written_at_ms": 940000, "last_error": "disk is full",
         "on_change": null},
        {"path": "/run/x/u", "state": "written", "generation": 18, "written_at_ms": null, "last_error": null,
         "on_change": {"action": "reload x.service", "due": true, "runs": 1, "last_error": "no such unit"}}]})");
  const std::string text = token_text(token);
  for (const char* part : {"/run/x/t failing, generation 17", "disk is full", "/run/x/u written, generation 18",
                           "reload x.service", "no such unit"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in " << text;
  }
  EXPECT_EQ(text.find("runs"), std::string::npos) << "there was one: " << text;
  Json status;
  status["tokens"] = Json::array({token});
  const std::string all = agent_text(status);
  EXPECT_NE(all.find("output disk is full"), std::string::npos) << all;
}

}  // namespace
}  // namespace jeton::ctl
