#include <gtest/gtest.h>

#include <string_view>

#include "agent/base/error.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {
namespace {

Record sample() {
  Record record;
  record.generation = 1'795'000'000'000'001;
  record.value = SecretString("s3cret-value");
  record.type = "Bearer";
  record.attributes = {{"instance_url", "https://eu1.example.com"}};
  record.issued_at = from_unix_ms(1'795'000'000'000);
  record.expires_at = from_unix_ms(1'795'000'007'200);
  record.previous =
      PreviousToken{SecretString("old"), 42, from_unix_ms(1'795'000'000'300), from_unix_ms(1'795'000'007'000)};
  record.state = SecretString("r3fresh");
  record.fetched_by = "host-1";
  return record;
}

// A string is JSON too, where its header is known.
Record decoded(std::string_view text) { return decode_record(text); }

void expect_same(const Record& a, const Record& b) {
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.attributes, b.attributes);
  EXPECT_EQ(a.issued_at, b.issued_at);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.fetched_by, b.fetched_by);
  EXPECT_EQ(a.state, b.state);
  ASSERT_EQ(a.previous.has_value(), b.previous.has_value());
  if (a.previous) {
    EXPECT_EQ(a.previous->value, b.previous->value);
    EXPECT_EQ(a.previous->generation, b.previous->generation);
    EXPECT_EQ(a.previous->accept_until, b.previous->accept_until);
    EXPECT_EQ(a.previous->expires_at, b.previous->expires_at);
  }
}

TEST(RecordCodec, RecordIsEncoded_IsDecodedUnchanged) {
  expect_same(decode_record(encode_record(sample()).reveal()), sample());
  Record without = sample();
  without.previous.reset();
  expect_same(decode_record(encode_record(without).reveal()), without);
}

TEST(RecordCodec, MembersAreOfANewerAgent_AreIgnored) {
  std::string text(encode_record(sample()).reveal());
  text.insert(1, R"("colour":"blue",)");
  expect_same(decoded(text), sample());
}

TEST(RecordCodec, TextIsNoRecord_IsRefusedWithoutBeingQuoted) {
  for (const std::string text :
       {"", "null", "[]", "{}", "{\"v\":1}", "{\"v\":2,\"generation\":1,\"value\":\"s3cret-value\"}",
        "{\"v\":1,\"generation\":0,\"value\":\"s3cret-value\",\"issued_at_ms\":1,\"expires_at_ms\":2}",
        "{\"v\":1,\"generation\":\"x\",\"value\":\"s3cret-value\"}", "{\"v\":1,\"value\":\"s3cret-value\"",
        "s3cret-value"}) {
    try {
      static_cast<void>(decoded(text));
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find("s3cret"), std::string::npos) << e.what();
    }
  }
}

TEST(RecordCodec, BootEnds_ComeBackUnderTheSameBootClockOnly) {
  Record record = sample();
  record.expires_boot = from_boot_ms(7'200'000);
  record.previous->accept_until_boot = from_boot_ms(300'000);
  std::string text(encode_record(record).reveal());
  const Record back = decoded(text);
  expect_same(back, record);
  EXPECT_EQ(back.expires_boot, record.expires_boot);
  EXPECT_EQ(back.previous->accept_until_boot, record.previous->accept_until_boot);

  const auto clock = text.find("\"clock\":\"");
  ASSERT_NE(clock, std::string::npos);
  char& digit = text[clock + 9];
  digit = digit == '0' ? '1' : '0';
  const Record of_another = decoded(text);
  expect_same(of_another, record);
  EXPECT_EQ(of_another.expires_boot, no_boot_end);
  EXPECT_EQ(of_another.previous->accept_until_boot, no_boot_end);
}

TEST(RecordCodec, BootEndsAreOutOfRange_AreCutToACentury) {
  Record record = sample();
  record.expires_boot = from_boot_ms(1);
  std::string text(encode_record(record).reveal());
  const std::string member = "\"expires_ms\":";
  text.insert(text.find(member) + member.size(), "922337203685477580");
  EXPECT_EQ(decoded(text).expires_boot, BootTime{std::chrono::hours(24 * 36'525)});
}

}  // namespace
}  // namespace jeton::agent
