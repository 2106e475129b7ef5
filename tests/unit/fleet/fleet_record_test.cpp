#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

Record sample() {
  Record record;
  record.value = SecretString("new");
  record.generation = 7;
  record.issued_at = from_unix_ms(1'000'000);
  record.expires_at = from_unix_ms(2'000'000);
  record.previous = PreviousToken{SecretString("old"), 6, from_unix_ms(1'500'000)};
  return record;
}

// This host's clock; that of the coordinator is ahead by the offset.
constexpr WallTime host_time = from_unix_ms(1'500'000);

TEST(FleetRecord, CoordinatorIsAhead_TimesAreConvertedToLocalTime) {
  const Record local = to_local_time(sample(), 10s, host_time);
  EXPECT_EQ(to_unix_ms(local.issued_at), 990'000);
  EXPECT_EQ(to_unix_ms(local.expires_at), 1'990'000);
  EXPECT_EQ(to_unix_ms(local.previous->accept_until), 1'490'000);
}

TEST(FleetRecord, CoordinatorIsFarAhead_LimitsAreThoseOfItsClock) {
  constexpr Milliseconds ahead = 24h * 365 * 20;
  Record record = sample();
  record.expires_at = host_time + ahead + max_lifetime;
  record.generation = fence_limit(host_time + ahead) - 1;
  EXPECT_NO_THROW(static_cast<void>(to_local_time(record, ahead, host_time)));
  EXPECT_THROW(static_cast<void>(to_local_time(record, 0ms, host_time)), Error);
}

}  // namespace
}  // namespace jeton::agent
