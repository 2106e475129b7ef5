// The wall clock is set, forwards and back, while a token is open and no agent runs. This executable has a
// clock_gettime and a time of its own, which the library finds before the C library's, as it would find libfaketime's.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "agent/record/record.hpp"
#include "tests/unit/client/client_fixture.hpp"
#include "tests/unit/segment/crafted_segment.hpp"

namespace {
std::atomic<long> ahead_s{0};
std::atomic<long> boot_ahead_s{0};  // time that passes, for both clocks
std::atomic<long> frozen_at_s{0};   // the wall clock is frozen at this time; 0: it is not
std::atomic<long> asked{0};
std::atomic<long> boot_asked{0};
}  // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    if (frozen_at_s != 0) *now = {frozen_at_s, 0};
    now->tv_sec += ahead_s + boot_ahead_s;
    ++asked;
  }
  if (clock == CLOCK_BOOTTIME) {
    now->tv_sec += boot_ahead_s;
    ++boot_asked;
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
  void TearDown() override { ahead_s = boot_ahead_s = frozen_at_s = 0; }
};

constexpr long hour_s = 3600;
constexpr long day_s = 24 * hour_s;
constexpr long ten_years_s = 3652 * day_s;

TEST_F(ClockJump, ForwardsOverTheExpiry_TokenIsExpiredUntilClockIsSetBack) {
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

TEST_F(ClockJump, ForwardsOverTheOverlap_PreviousTokenMismatches) {
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

TEST_F(ClockJump, BackAfterALookAtTheName_ReplacedFileIsFound) {
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

TEST_F(ClockJump, DayBackOrForth_TimeoutGoesByTheMonotonicClock) {
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

TEST_F(ClockJump, HourBack_HeartbeatAgeIsNotNegative) {
  store->heartbeat(wall_now());
  const TokenPtr token = must_open();
  ahead_s = -hour_s;
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.heartbeat_age_ms, 0);
}

// A token of a minute, as the agent publishes it: with its ends by both clocks.
class ClockStep : public ClockJump {
 protected:
  void SetUp() override {
    make_store();
    agent::Record record = sample_record(1);
    record.expires_at = record.issued_at + std::chrono::minutes(1);
    record.previous = sample_previous(0, "one-before");
    record.previous->generation = 7;
    record.previous->accept_until = record.issued_at + std::chrono::seconds(30);
    agent::bind_to_boot_clock(record, nullptr, agent::SystemClock());
    store->publish(record, wall_now());
    store.reset();  // no agent runs
  }

  // By every function that judges.
  static void expect_valid(const TokenPtr& token, const ReaderPtr& reader) {
    EXPECT_EQ(read(token), "secret-value");
    EXPECT_EQ(current(reader), "secret-value");
    EXPECT_EQ(jeton_accepts(token.get(), "secret-value", 12), JETON_OK);
    EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_OK);
    EXPECT_EQ(flags(token), JETON_FLAG_VALID);
  }
  static void expect_expired(const TokenPtr& token, const ReaderPtr& reader) {
    const std::string expired = std::string("<") + jeton_status_text(JETON_EXPIRED) + ">";
    EXPECT_EQ(read(token), expired);
    EXPECT_EQ(current(reader), expired);
    EXPECT_EQ(jeton_accepts(token.get(), "secret-value", 12), JETON_MISMATCH);
    EXPECT_EQ(jeton_wait_valid(token.get(), 0), JETON_TIMED_OUT);
    EXPECT_EQ(flags(token), JETON_FLAG_EXPIRED);
  }
  static std::uint32_t flags(const TokenPtr& token) {
    jeton_info info = JETON_INFO_INIT;
    EXPECT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
    return info.flags;
  }
  void put(const Crafted& craft) const {
    std::ofstream(dir / "fresh", std::ios::binary) << crafted_segment(craft);
    std::filesystem::permissions(dir / "fresh", std::filesystem::perms(0600));
    std::filesystem::rename(dir / "fresh", file());
  }
};

TEST_F(ClockStep, DayBack_TokenEndsWithItsLifetime) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  expect_valid(token, reader);
  ahead_s = -day_s;
  expect_valid(token, reader);
  boot_ahead_s = 61;
  expect_expired(token, reader);
  const TokenPtr opened_later = must_open();
  expect_expired(opened_later, must_open_reader(opened_later));
}

TEST_F(ClockStep, TenYearsForthAndBack_TokenEndsWithItsLifetime) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  expect_valid(token, reader);
  ahead_s = ten_years_s;
  expect_expired(token, reader);
  ahead_s = 0;
  expect_valid(token, reader);
  ahead_s = -ten_years_s;
  expect_valid(token, reader);
  boot_ahead_s = 61;
  expect_expired(token, reader);
  ahead_s = 0;
  expect_expired(token, reader);
}

TEST_F(ClockStep, PublishedInTheWrongDecade_TokenEndsWithItsLifetime) {
  ahead_s = ten_years_s;
  SetUp();
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  expect_valid(token, reader);
  ahead_s = 0;
  expect_valid(token, reader);
  boot_ahead_s = 61;
  expect_expired(token, reader);
}

TEST_F(ClockStep, BackWhileATokenIsRead_IsSeenAtTheNextRead) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  for (const long second : {1, 20, 40}) {
    boot_ahead_s = second;
    expect_valid(token, reader);
  }
  // The clock goes back in the very moment in which the token ends.
  ahead_s = -day_s;
  boot_ahead_s = 61;
  expect_expired(token, reader);
}

TEST_F(ClockStep, DayBack_OverlapEndsToo) {
  const TokenPtr token = must_open();
  EXPECT_EQ(jeton_accepts(token.get(), "one-before", 10), JETON_OK);
  ahead_s = -day_s;
  EXPECT_EQ(jeton_accepts(token.get(), "one-before", 10), JETON_OK);
  boot_ahead_s = 31;
  EXPECT_EQ(jeton_accepts(token.get(), "one-before", 10), JETON_MISMATCH);
  EXPECT_EQ(jeton_accepts(token.get(), "secret-value", 12), JETON_OK);
}

TEST_F(ClockStep, DayBack_ExpiryIsShownByTheNewTime) {
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  expect_valid(token, reader);
  ahead_s = -day_s;
  const auto is_within_a_minute = [](std::int64_t expires_at_ms) {
    const std::int64_t left = expires_at_ms - agent::to_unix_ms(wall_now());
    return left > 0 && left <= 60'000;
  };
  const jeton_view* view = nullptr;
  ASSERT_EQ(jeton_current(reader.get(), &view), JETON_OK);
  EXPECT_TRUE(is_within_a_minute(view->expires_at_ms));
  EXPECT_TRUE(is_within_a_minute(view->previous_accept_until_ms));
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_TRUE(is_within_a_minute(info.expires_at_ms));
  EXPECT_TRUE(is_within_a_minute(info.previous_accept_until_ms));
}

TEST_F(ClockStep, ReadAgainAndAgain_BothClocksAreComparedOnceASecond) {
  frozen_at_s = ::time(nullptr);
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(read(token), "secret-value");
  EXPECT_EQ(current(reader), "secret-value");
  const long before = boot_asked;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(read(token), "secret-value");
    EXPECT_EQ(current(reader), "secret-value");
    EXPECT_EQ(flags(token), JETON_FLAG_VALID);
  }
  EXPECT_EQ(boot_asked, before);
  ++frozen_at_s;
  EXPECT_EQ(read(token), "secret-value");
  EXPECT_EQ(current(reader), "secret-value");
  EXPECT_EQ(boot_asked, before + 1) << "the second was not compared once by both handles";
}

// What a kernel of its own (a virtual machine that shares the directory) or a reboot means for a reader.
TEST_F(ClockStep, SegmentOfAnotherBootClock_IsJudgedByTheWallClock) {
  Crafted craft;
  craft.lifetime = std::chrono::minutes(1);
  craft.boot_lifetime = std::chrono::seconds(-1);  // not longer ago than the start of a fresh machine
  put(craft);
  const TokenPtr ours = must_open();
  EXPECT_EQ(flags(ours), JETON_FLAG_EXPIRED);
  craft.boot_clock.boot_id[0] ^= 1;
  put(craft);
  const TokenPtr of_another_kernel = must_open();
  expect_valid(of_another_kernel, must_open_reader(of_another_kernel));
  craft.boot_clock = layout::own_boot_clock();
  craft.boot_clock.time_namespace ^= 1;
  put(craft);
  const TokenPtr of_another_namespace = must_open();
  expect_valid(of_another_namespace, must_open_reader(of_another_namespace));
  boot_ahead_s = 61;
  expect_expired(of_another_namespace, must_open_reader(of_another_namespace));
}

// A reader without /proc, or an agent without it, has no other boot clock for that.
TEST_F(ClockStep, BootClockIsNotNamed_CountsAsTheSame) {
  Crafted craft;
  craft.boot_lifetime = std::chrono::minutes(1);
  craft.boot_clock = {};
  put(craft);
  const TokenPtr token = must_open();
  expect_valid(token, must_open_reader(token));
  boot_ahead_s = 61;
  expect_expired(token, must_open_reader(token));
}

TEST_F(ClockStep, SegmentOfAnAgentOfLayout10_IsJudgedByTheWallClock) {
  for (const std::uint16_t minor : {std::uint16_t{0}, std::uint16_t{1}}) {  // its own file, and one that it adopted
    SCOPED_TRACE(minor);
    boot_ahead_s = ahead_s = 0;
    Crafted craft;
    craft.minor = minor;
    craft.lifetime = std::chrono::minutes(1);
    put(craft);
    const TokenPtr token = must_open();
    const ReaderPtr reader = must_open_reader(token);
    expect_valid(token, reader);
    boot_ahead_s = 61;
    expect_expired(token, reader);
    ahead_s = -day_s;
    expect_valid(token, reader);
  }
}

}  // namespace
}  // namespace jeton::test
