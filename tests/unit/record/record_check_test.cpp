#include "agent/record/record_check.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr WallTime now = from_unix_ms(1'790'000'000'000);

Record good() {
  Record record;
  record.generation = 1'790'000'000'000'000;
  record.value = SecretString("s3cret");
  record.type = "Bearer";
  record.attributes = {{"scope", "a b"}};
  record.issued_at = now - 1min;
  record.expires_at = now + 1h;
  record.previous = PreviousToken{SecretString("old-s3cret"), 5, now + 1min};
  record.fetched_by = "host-1";
  return record;
}

struct Change {
  const char* name;
  std::function<void(Record&)> make;
};

void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

class BadRecord : public testing::TestWithParam<Change> {};

TEST_P(BadRecord, FieldIsInvalid_IsRefusedWithoutItsContent) {
  Record record = good();
  ASSERT_NO_THROW(check_record(record, now));
  GetParam().make(record);
  try {
    check_record(record, now);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("s3cret")));
  }
}

constexpr WallTime extreme{Milliseconds{std::numeric_limits<std::int64_t>::max()}};

INSTANTIATE_TEST_SUITE_P(
    Each, BadRecord,
    testing::Values(Change{"NoGeneration", [](Record& r) { r.generation = 0; }},
                    Change{"GenerationOfTheFarFuture", [](Record& r) { r.generation = fence_limit(now); }},
                    Change{"GenerationBeyondAll", [](Record& r) { r.generation = ~Generation{0}; }},
                    Change{"PreviousWithoutAGeneration", [](Record& r) { r.previous->generation = 0; }},
                    Change{"PreviousOfTheSameGeneration", [](Record& r) { r.previous->generation = r.generation; }},
                    Change{"PreviousIsNewer", [](Record& r) { r.previous->generation = ~Generation{0}; }},
                    Change{"IssuedBefore1970", [](Record& r) { r.issued_at = WallTime{-1ms}; }},
                    Change{"IssuedInCenturies", [](Record& r) { r.issued_at = now + std::chrono::years(300); }},
                    Change{"ExpiresInCenturies", [](Record& r) { r.expires_at = now + std::chrono::years(300); }},
                    Change{"ExpiresNever", [](Record& r) { r.expires_at = extreme; }},
                    Change{"PreviousForEver", [](Record& r) { r.previous->accept_until = extreme; }},
                    Change{"PreviousExpiresNever", [](Record& r) { r.previous->expires_at = extreme; }},
                    Change{"EmptyValue", [](Record& r) { r.value = SecretString(); }},
                    Change{"LineBreakInTheValue", [](Record& r) { r.value = SecretString("s3cret\r\nX: y"); }},
                    Change{"PreviousWithALineBreak", [](Record& r) { r.previous->value = SecretString("s3cret\n"); }},
                    Change{"TypeOfTwoWords", [](Record& r) { r.type = "Bearer x"; }},
                    Change{"TypeWithALineBreak", [](Record& r) { r.type = "Bearer\n"; }},
                    Change{"LongType", [](Record& r) { r.type = std::string(65, 'x'); }},
                    Change{"LongAttribute", [](Record& r) { r.attributes["scope"] = std::string(1025, 'x'); }},
                    Change{"ManyAttributes",
                           [](Record& r) {
                             for (int i = 0; i < 257; ++i) r.attributes[std::to_string(i)] = "x";
                           }},
                    Change{"EscapeSequenceAsHost", [](Record& r) { r.fetched_by = "\x1b[2J"; }},
                    Change{"LongHost", [](Record& r) { r.fetched_by = std::string(256, 'h'); }}),
    [](const auto& change) { return change.param.name; });

TEST(RecordCheck, LongestLifetimeAndAClockADayApart_AreTaken) {
  Record record = good();
  record.issued_at = now + 24h;
  record.expires_at = now + 24h + max_lifetime;
  EXPECT_NO_THROW(check_record(record, now));
}

TEST(ValueOfAToken, ValueIsInvalid_FaultNamesItsPlace) {
  EXPECT_FALSE(fault_of_value("abc~!"));
  EXPECT_EQ(fault_of_value(""), "is empty");
  EXPECT_EQ(fault_of_value("ab c"), "holds a character that is not allowed in a token (a space at byte 3)");
  EXPECT_EQ(fault_of_value("a\n"), "holds a character that is not allowed in a token (a control character at byte 2)");
  EXPECT_EQ(fault_of_value("\xc3\xa9"), "holds a character that is not allowed in a token (not ASCII at byte 1)");
}

TEST(FenceLimit, TimeIsGiven_IsACenturyAheadAndBelowLuaPrecision) {
  EXPECT_GT(fence_limit(now), 1'790'000'000'000'000U + 3'000'000'000'000'000U);
  EXPECT_LT(fence_limit(now), std::uint64_t{1} << 53U);
  EXPECT_GT(fence_limit(WallTime{}), 1'790'000'000'000'000U) << "also for a host whose clock begins in 1970";
}

}  // namespace
}  // namespace jeton::agent
