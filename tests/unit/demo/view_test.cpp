#include "agent/demo/view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace jeton::agent::demo {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

Snapshot running() {
  Snapshot s;
  s.elapsed = 17s;
  s.run_for = 20s;
  s.lifetime = 10s;
  s.grace = 3s;
  s.rate_interval = 2s;
  s.now = from_unix_ms(1'795'000'000'000);
  s.phase = "backing_off";
  s.reads_per_second = 81'000'000;
  s.reader.reads = 1'234'567'890;
  s.reader.tokens = 3;
  s.reader.generation = 1'795'000'000'000'123;
  s.reader.expires_at_ms = to_unix_ms(s.now) + 6'400;
  s.reader.api_accepted = 60;
  std::strcpy(s.reader.fingerprint, "0123abcd");
  s.provider.issued = 3;
  for (int i = 0; i < 12; ++i) s.agent_log.push_back("2026-01-02T03:04:05.678Z info line " + std::string(150, 'x'));
  return s;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(LifeBar, LifetimePasses_ShowsRemainingGraceAndPassedTime) {
  EXPECT_EQ(life_bar(10s, 10s, 3s, 10), "#######===");
  EXPECT_EQ(life_bar(6s, 10s, 3s, 10), "###===....");
  EXPECT_EQ(life_bar(2s, 10s, 3s, 10), "==........");
  EXPECT_EQ(life_bar(0s, 10s, 3s, 10), "..........");
  EXPECT_EQ(life_bar(-5s, 10s, 3s, 10), "..........");
  EXPECT_EQ(life_bar(99s, 10s, 3s, 10), "#######===");
}

TEST(Grouped, NumberIsLarge_ThousandsAreSeparated) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(LiveView, DemoIsRunning_ShowsTokenReaderAndProvider) {
  const std::string view = joined(live_view(running(), {}));
  for (const char* text :
       {"17 s of 20 s", "generation 1795000000000123", "fingerprint 0123abcd", "6.4 s", "backing off", "2 refreshes",
        "81,000,000 reads/s", "1,234,567,890", "saw expired 0, torn 0, older 0", "3 calls, 0 refused",
        "200 calls by 100 processes", "line xxx"}) {
    EXPECT_THAT(view, HasSubstr(text));
  }
  EXPECT_THAT(view, Not(HasSubstr("\x1b")));
}

TEST(LiveView, AnyTerminalSize_LinesFit) {
  for (const int columns : {1, 10, 40, 80, 200}) {
    for (const int rows : {1, 2, 10, 24, 60}) {
      const auto lines = live_view(running(), {columns, rows, false});
      EXPECT_LE(lines.size(), static_cast<std::size_t>(std::max(rows - 1, 1)));
      for (const std::string& line : lines) EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
    }
  }
}

TEST(LiveView, TerminalIsWide_LinesNeedAtMost80Columns) {
  Snapshot s = running();
  s.agent_log.clear();
  for (const std::string& line : live_view(s, {200, 60, false})) EXPECT_LE(line.size(), 80U) << line;
}

TEST(LiveView, ColorsAreOn_AreResetInEachLine) {
  for (const std::string& line : live_view(running(), {80, 24, true})) {
    const auto last = line.rfind("\x1b[");
    EXPECT_TRUE(last == std::string::npos || line.substr(last, 4) == "\x1b[0m") << line;
  }
}

TEST(LiveView, LogHasEscapeSequences_AreNotShown) {
  Snapshot s = running();
  s.agent_log = {"evil \x1b[2J \r line"};
  EXPECT_THAT(joined(live_view(s, {})), Not(HasSubstr("\x1b")));
}

TEST(LiveView, ThereIsNoTokenYet_SaysSo) {
  Snapshot s;
  s.lifetime = 10s;
  EXPECT_THAT(joined(live_view(s, {})), HasSubstr("none yet"));
}

TEST(PlainLine, DemoIsRunning_IsOneLineOfKeysAndValues) {
  const std::string line = plain_line(running());
  EXPECT_THAT(line, ::testing::StartsWith("t=17s generation=1795000000000123 fingerprint=0123abcd left_ms=6400"));
  EXPECT_THAT(line, HasSubstr(" errors=0 "));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Summary, ReaderHasErrors_AreCounted) {
  Snapshot s = running();
  EXPECT_THAT(summary(s), HasSubstr("with 0 errors"));
  s.reader.torn = 1;
  EXPECT_THAT(summary(s), HasSubstr("with 1 error;"));
}

}  // namespace
}  // namespace jeton::agent::demo
