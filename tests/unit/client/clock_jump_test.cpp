// The wall clock is set, forwards and back, while a token is open. This executable has a clock_gettime and a time of
// its own, which the library finds before the C library's, as it would find libfaketime's.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "tests/unit/client/client_fixture.hpp"

namespace {
std::atomic<long> ahead_s{0};
std::atomic<long> asked{0};
}  // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    now->tv_sec += ahead_s;
    ++asked;
  }
  return static_cast<int>(result);
}

extern "C" time_t time(time_t* out) noexcept {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

namespace jeton::test {
namespace {

class ClockJump : public ClientTest {
 protected:
  void SetUp() override {
    make_store();
    publish(1);  // for an hour
  }
  void TearDown() override { ahead_s = 0; }
};

constexpr long hour_s = 3600;

TEST_F(ClockJump, ForwardsOverTheExpiryEndsTheTokenAndBackBringsItBack) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  const auto value = [&] { return current(reader) == read(token) ? read(token) : "different"; };
  const std::string expired = std::string("<") + jeton_status_text(JETON_EXPIRED) + ">";
  const long before = asked;
  EXPECT_EQ(value(), "secret-value");
  EXPECT_GT(asked, before) << "the library does not ask this clock";
  ahead_s = 2 * hour_s;
  EXPECT_EQ(value(), expired);
  EXPECT_EQ(jeton_accepts(token.get(), "secret-value", 12), JETON_MISMATCH);
  EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_TIMED_OUT);
  ahead_s = 0;
  EXPECT_EQ(value(), "secret-value");
  EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_OK);
  ahead_s = -24 * hour_s;
  EXPECT_EQ(value(), "secret-value");
  ahead_s = hour_s - 60;
  EXPECT_EQ(value(), "secret-value");
}

TEST_F(ClockJump, TheEndOfTheOverlapFollowsTheClock) {
  agent::Record record = sample_record(2, "two");
  record.previous = sample_previous(1, "one");  // for five minutes
  store->publish(record, wall_now());
  const TokenPtr token = must_open();
  EXPECT_EQ(jeton_accepts(token.get(), "one", 3), JETON_OK);
  ahead_s = 600;
  EXPECT_EQ(jeton_accepts(token.get(), "one", 3), JETON_MISMATCH);
  EXPECT_EQ(jeton_accepts(token.get(), "two", 3), JETON_OK);
  ahead_s = 0;
  EXPECT_EQ(jeton_accepts(token.get(), "one", 3), JETON_OK);
}

TEST_F(ClockJump, AFileThatTookTheNameIsStillLookedForAfterTheClockWasSetBack) {
  publish_for(2, std::chrono::milliseconds(0));
  const TokenPtr token = must_open();
  const std::string expired = std::string("<") + jeton_status_text(JETON_EXPIRED) + ">";
  ahead_s = 2 * hour_s;
  EXPECT_EQ(read(token), expired);  // looked at the name, and will not again for a second of this clock
  ahead_s = 0;
  store.reset();
  std::filesystem::rename(file(), dir / "aside");  // without a word to its readers
  make_store();
  publish(3, "three");
  EXPECT_EQ(read(token), "three");
}

TEST_F(ClockJump, ATimeoutIsMeasuredByTheClockThatIsNotSet) {
  const TokenPtr token = must_open();
  for (const long offset : {-24 * hour_s, 24 * hour_s}) {
    ahead_s = offset;
    timespec start = {};
    timespec end = {};
    ::clock_gettime(CLOCK_MONOTONIC, &start);
    EXPECT_EQ(jeton_wait_change(token.get(), 1, 30, nullptr), JETON_TIMED_OUT);
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    EXPECT_GE((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1'000'000, 29);
  }
}

TEST_F(ClockJump, TheAgesOfHeartbeatsAreNeverNegative) {
  store->heartbeat(wall_now());
  const TokenPtr token = must_open();
  ahead_s = -hour_s;
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.heartbeat_age_ms, 0);
}

}  // namespace
}  // namespace jeton::test
