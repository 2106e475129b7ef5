#include "agent/coordination/fleet_record.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "agent/base/error.hpp"
#include "agent/coordination/lease_terms.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

Record sample() {
  Record record;
  record.generation = 7;
  record.issued_at = from_unix_ms(1'000'000);
  record.expires_at = from_unix_ms(2'000'000);
  record.previous = PreviousToken{SecretString("old"), 6, from_unix_ms(1'500'000)};
  return record;
}

TEST(FleetRecord, IsBroughtToLocalTime) {
  const Record local = to_local_time(sample(), 10s);
  EXPECT_EQ(to_unix_ms(local.issued_at), 990'000);
  EXPECT_EQ(to_unix_ms(local.expires_at), 1'990'000);
  EXPECT_EQ(to_unix_ms(local.previous->accept_until), 1'490'000);
}

TEST(FleetRecord, OfImpossibleTimesOrGenerationIsRefused) {
  constexpr auto extreme = std::numeric_limits<std::int64_t>::max();
  Record record = sample();
  record.issued_at = from_unix_ms(-1);
  EXPECT_THROW(static_cast<void>(to_local_time(record, 0ms)), Error);
  record = sample();
  record.expires_at = from_unix_ms(extreme);
  EXPECT_THROW(static_cast<void>(to_local_time(record, -1ms)), Error);
  record = sample();
  record.previous->accept_until = from_unix_ms(-extreme);
  EXPECT_THROW(static_cast<void>(to_local_time(record, 1ms)), Error);
  record = sample();
  record.generation = fence_limit + 1;
  EXPECT_THROW(static_cast<void>(to_local_time(record, 0ms)), Error);
}

}  // namespace
}  // namespace jeton::agent
