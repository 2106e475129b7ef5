#include "agent/base/log_pace.hpp"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

TEST(LogBurst, ManyLinesAtOnce_TheFirstFewAndThenOneAMinute) {
  LogBurst lines;
  const BootTime begin{1h};
  int written = 0;
  for (int second = 0; second < 600; ++second) {
    for (int i = 0; i < 100; ++i) written += lines.allows(begin + std::chrono::seconds(second)) ? 1 : 0;
  }
  EXPECT_EQ(written, LogBurst::burst + 9);
}

TEST(LogBurst, QuietForLong_AsManyAsAtTheBeginning) {
  LogBurst lines;
  for (const BootTime now : {BootTime{1h}, BootTime{2h}, BootTime{1000h}}) {
    int written = 0;
    for (int i = 0; i < 100; ++i) written += lines.allows(now) ? 1 : 0;
    EXPECT_EQ(written, LogBurst::burst);
  }
}

}  // namespace
}  // namespace jeton::agent
