#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "agent/base/log_line.hpp"

namespace jeton::agent::log {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LogFormat : public ::testing::Test {
 protected:
  Line line(Format format, const EventId* event = &fetch_failed) const {
    return line_of({event, Level::warning, "fetch failed", fields}, format);
  }
  const std::array<Field, 3> fields{Field{"token", "wechat"}, Field{"generation", std::uint64_t{7}},
                                    Field{"error", "two\nlines"}};
};

TEST_F(LogFormat, FormatIsJournal_EventAndFieldsAreFieldsOfTheEntry) {
  const Line entry = line(Format::journal);
  EXPECT_THAT(entry, Contains(std::string("MESSAGE_ID=") + fetch_failed.id));
  EXPECT_THAT(entry, Contains("JETON_EVENT=fetch_failed"));
  EXPECT_THAT(entry, Contains("JETON_TOKEN=wechat"));
  EXPECT_THAT(entry, Contains("JETON_GENERATION=7"));
  EXPECT_THAT(entry, Contains("PRIORITY=4"));
  EXPECT_THAT(entry, Contains("MESSAGE=fetch failed token=wechat generation=7 error=\"two\\nlines\""));
}

TEST_F(LogFormat, LineHasNoEvent_EntryHasNoId) {
  EXPECT_THAT(line(Format::journal, nullptr), Not(Contains(StartsWith("MESSAGE_ID="))));
}

TEST_F(LogFormat, FormatIsJson_EventIsAMember) {
  const auto json = nlohmann::json::parse(line(Format::json).at(0));
  EXPECT_EQ(json["event"], "fetch_failed");
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["error"], "two\nlines");
}

TEST_F(LogFormat, FormatIsText_IsOneLine) {
  const Line text = line(Format::text);
  ASSERT_EQ(text.size(), 1U);
  EXPECT_THAT(text[0], EndsWith(" warning fetch failed token=wechat generation=7 error=\"two\\nlines\""));
  EXPECT_THAT(text[0], Not(HasSubstr("\n")));
}

TEST_F(LogFormat, FieldWouldMoveTheCursorOfATerminal_IsEscaped) {
  const std::array<Field, 1> moving{Field{"error",
                                          "up \xc2\x9b"
                                          "1A, \xc2\xa9"}};
  const Line text = line_of({&fetch_failed, Level::warning, "fetch failed", moving}, Format::text);
  EXPECT_THAT(text.at(0), EndsWith("error=\"up \\u009b1A, \xc2\xa9\""));
}

TEST_F(LogFormat, LevelIsNamed_IsFound) {
  for (const Level level : {Level::trace, Level::debug, Level::info, Level::warning, Level::error}) {
    EXPECT_EQ(level_named(name_of(level)), level);
  }
  EXPECT_FALSE(level_named("loud"));
  EXPECT_FALSE(level_named(""));
}

}  // namespace
}  // namespace jeton::agent::log
