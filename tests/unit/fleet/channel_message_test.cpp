#include "agent/fleet/channel_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

Record sample_record() {
  Record record;
  record.generation = 7;
  record.value = SecretString("s3cret");
  record.issued_at = from_unix_ms(1'000);
  record.expires_at = from_unix_ms(2'000);
  return record;
}

FleetCodec sealing() { return FleetCodec(std::make_shared<const Seal>(std::vector<SecretString>{Seal::new_key()})); }

TEST(ChannelMessage, ClaimReleaseOrPauseIsEncoded_IsDecodedUnchanged) {
  const auto claim = std::get<ClaimMessage>(decode_message(encode_message(ClaimMessage{"abc", 15s})));
  EXPECT_EQ(claim.owner, "abc");
  EXPECT_EQ(claim.ttl, 15s);
  EXPECT_EQ(std::get<ReleaseMessage>(decode_message(encode_message(ReleaseMessage{"abc"}))).owner, "abc");
  const auto pause = std::get<PauseMessage>(decode_message(encode_message(PauseMessage{60s, "429 \"busy\"\n"})));
  EXPECT_EQ(pause.ttl, 60s);
  EXPECT_EQ(pause.reason, "429 \"busy\"\n");
}

// An agent of an earlier version does not say who lifted the pause.
TEST(ChannelMessage, PauseIsLifted_SaysWhetherAnOperatorAsked) {
  for (const ResumeReason reason : {ResumeReason::request_differs, ResumeReason::operator_asked}) {
    EXPECT_EQ(std::get<ResumeMessage>(decode_message(encode_message(ResumeMessage{reason}))).reason, reason);
  }
  EXPECT_EQ(std::get<ResumeMessage>(decode_message(R"({"type":"resume"})")).reason, ResumeReason::request_differs);
  EXPECT_THROW(static_cast<void>(decode_message(R"({"type":"resume","operator":"yes"})")), Error);
}

TEST(ChannelMessage, OwnerHasToBeEscaped_IsDecodedUnchanged) {
  for (const std::string owner : {"", "0123456789abcdef", "a \"b\"", "a\\b", "line\n", "\x01", "h\xc3\xa4"}) {
    EXPECT_EQ(std::get<ClaimMessage>(decode_message(encode_message(ClaimMessage{owner, 15s}))).owner, owner);
    EXPECT_EQ(std::get<ReleaseMessage>(decode_message(encode_message(ReleaseMessage{owner}))).owner, owner);
  }
}

TEST(ChannelMessage, MessageIsARecord_IsDecoded) {
  const std::string text = R"({"type":"record","record":)" + std::string(encode_record(sample_record()).reveal()) + "}";
  const auto record = std::get<Record>(decode_message(text));
  EXPECT_EQ(record.generation, 7U);
  EXPECT_EQ(record.value, SecretString("s3cret"));
}

TEST(ChannelMessage, ReasonIsNotUtf8_CanBeSent) {
  EXPECT_NO_THROW(static_cast<void>(decode_message(encode_message(PauseMessage{1s, "\xff\xfe"}))));
}

TEST(ChannelMessage, LongerThanAnyOfAnAgent_IsAnErrorWithAndWithoutASeal) {
  const std::string text = R"({"type":"claim","ttl_ms":1000,"owner":")" + std::string(64 * 1024, 'x') + R"("})";
  EXPECT_THROW(static_cast<void>(decode_message(text)), Error);
  EXPECT_THROW(static_cast<void>(decode_message(text, "api", sealing())), Error);
}

TEST(ChannelMessage, ReasonIsEndless_ItsBeginCanBeSent) {
  const FleetCodec codec = sealing();
  const std::string text = codec.sign("api", encode_message(PauseMessage{1s, std::string(1024 * 1024, '\x01')}));
  const auto pause = std::get<PauseMessage>(decode_message(text, "api", codec));
  EXPECT_THAT(pause.reason, testing::SizeIs(testing::AllOf(testing::Ge(200U), testing::Le(4096U))));
}

TEST(ChannelMessage, TypeIsOfANewerVersion_IsUnknownAndNoError) {
  EXPECT_TRUE(std::holds_alternative<UnknownMessage>(decode_message(R"({"type":"of-tomorrow","generation":5})")));
}

TEST(ChannelMessage, MessageIsARejection_NamesItsGeneration) {
  const auto message = decode_message(encode_message(RejectedMessage{1'795'000'000'000'000}));
  EXPECT_EQ(std::get<RejectedMessage>(message).generation, 1'795'000'000'000'000U);
}

TEST(ChannelMessage, TtlIsOutOfRange_IsLimited) {
  const auto claim = decode_message(R"({"type":"claim","owner":"x","ttl_ms":9223372036854775807})");
  EXPECT_EQ(std::get<ClaimMessage>(claim).ttl, longest_hold);
  const auto pause = decode_message(R"({"type":"pause","reason":"x","ttl_ms":-5})");
  EXPECT_EQ(std::get<PauseMessage>(pause).ttl, 0ms);
}

TEST(ChannelMessage, NestedDeeply_IsAnErrorWithAndWithoutASeal) {
  const std::string deep = R"({"type":"record","record":)" + std::string(100'000, '[');
  for (const std::string& text : {deep, deep + std::string(100'000, ']') + "}"}) {
    EXPECT_THROW(static_cast<void>(decode_message(text)), Error);
    EXPECT_THROW(static_cast<void>(decode_message(text, "t", sealing())), Error);
  }
}

TEST(ChannelMessage, Signed_IsReadByHostsWithTheKeyOnly) {
  const FleetCodec codec = sealing();
  const std::string text = codec.sign("t", encode_message(RejectedMessage{7}));
  EXPECT_EQ(std::get<RejectedMessage>(decode_message(text, "t", codec)).generation, 7U);
  EXPECT_THROW(static_cast<void>(decode_message(text, "other", codec)), Error) << "of another token";
  EXPECT_THROW(static_cast<void>(decode_message(text, "t", sealing())), Error) << "another key";
  EXPECT_THROW(static_cast<void>(decode_message(text, "t")), Error) << "no key";
  std::string changed = text;
  changed.replace(changed.find('7'), 1, "8");
  EXPECT_THROW(static_cast<void>(decode_message(changed, "t", codec)), Error);
}

TEST(ChannelMessage, NotSigned_IsUnknownToAHostThatSeals) {
  for (const std::string& text :
       {encode_message(PauseMessage{1h, "x"}), encode_message(ClaimMessage{"o", 15s}), encode_message(ResumeMessage{}),
        encode_message(RejectedMessage{7}), encode_message(ReleaseMessage{"o"}),
        std::string(R"({"type":"usage","calls":9,"ttl_ms":1000})")}) {
    EXPECT_TRUE(std::holds_alternative<UnknownMessage>(decode_message(text, "t", sealing()))) << text;
  }
}

TEST(ChannelMessage, TextIsGarbage_IsAnErrorThatDoesNotQuoteIt) {
  for (const char* text : {"", "s3cret", "[]", "{}", "null", R"({"type":5})", R"({"type":"record"})",
                           R"({"type":"record","record":"s3cret"})", R"({"type":"record","record":{"v":2}})",
                           R"({"type":"claim"})", R"({"type":"claim","owner":1,"ttl_ms":2})",
                           R"({"type":"pause","reason":"s3cret","ttl_ms":"x"})", "{\"type\":\"claim\",\"s3cret"}) {
    try {
      static_cast<void>(decode_message(text));
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("s3cret")));
    }
  }
}

}  // namespace
}  // namespace jeton::agent
