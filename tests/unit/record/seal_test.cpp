#include "agent/record/seal.hpp"

#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {
namespace {

Record make() {
  Record record;
  record.generation = 7;
  record.value = SecretString("s3cret-token");
  record.type = "Bearer";
  record.issued_at = from_unix_ms(1'000);
  record.expires_at = from_unix_ms(61'000);
  record.fetched_by = "host-1";
  return record;
}

FleetCodec sealing(const std::vector<SecretString>& keys) { return FleetCodec(std::make_shared<const Seal>(keys)); }

std::string refusal(const FleetCodec& codec, const std::string& name, std::string_view text) {
  try {
    static_cast<void>(codec.decode(name, text));
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

// The text of a sealed record with one piece of it replaced.
std::string forged(const SecretString& sealed, const std::string& from, const std::string& to) {
  std::string text(sealed.reveal());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(FleetCodec, RecordIsSealed_IsDecodedUnchanged) {
  const FleetCodec codec = sealing({Seal::new_key()});
  const SecretString text = codec.encode("t", make());
  EXPECT_EQ(text.reveal().find("s3cret"), std::string_view::npos);
  EXPECT_EQ(text.reveal().find("Bearer"), std::string_view::npos);
  const Record back = codec.decode("t", text.reveal());
  EXPECT_EQ(back.value, make().value);
  EXPECT_EQ(back.generation, 7U);
  EXPECT_EQ(back.expires_at, make().expires_at);
  EXPECT_EQ(back.fetched_by, "host-1");
}

TEST(FleetCodec, RecordIsSealedTwice_TextsDiffer) {
  const FleetCodec codec = sealing({Seal::new_key()});
  EXPECT_NE(codec.encode("t", make()).reveal(), codec.encode("t", make()).reveal());
}

TEST(FleetCodec, RecordIsOfAnotherToken_IsRefused) {
  const FleetCodec codec = sealing({Seal::new_key()});
  EXPECT_NE(refusal(codec, "other", codec.encode("t", make()).reveal()).find("another token"), std::string::npos);
}

TEST(FleetCodec, GenerationExpiryOrTextIsChanged_IsRefused) {
  const FleetCodec codec = sealing({Seal::new_key()});
  const SecretString sealed = codec.encode("t", make());
  EXPECT_NE(refusal(codec, "t", forged(sealed, "\"generation\":7", "\"generation\":8")), "");
  EXPECT_NE(refusal(codec, "t", forged(sealed, "61000", "99000")), "");
  const std::string text(sealed.reveal());
  const std::size_t box = text.find("\"box\":\"") + 7;
  for (const std::size_t at : {box, box + 20, text.find('"', box) - 6}) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_NE(refusal(codec, "t", changed), "") << at;
  }
}

TEST(FleetCodec, OnlyOneHostSeals_RecordIsRefused) {
  const FleetCodec plain;
  const FleetCodec codec = sealing({Seal::new_key()});
  EXPECT_NE(refusal(codec, "t", plain.encode("t", make()).reveal()).find("not sealed"), std::string::npos);
  EXPECT_NE(refusal(plain, "t", codec.encode("t", make()).reveal()).find("key_files"), std::string::npos);
}

TEST(FleetCodec, KeysAreRotatedInSteps_EachStepOpensItsNeighbours) {
  const SecretString old_key = Seal::new_key();
  const SecretString new_key = Seal::new_key();
  const FleetCodec only_old = sealing({old_key});
  const FleetCodec new_second = sealing({old_key, new_key});
  const FleetCodec new_first = sealing({new_key, old_key});
  const FleetCodec only_new = sealing({new_key});
  const auto opens = [](const FleetCodec& to, const FleetCodec& from) {
    return refusal(to, "t", from.encode("t", make()).reveal()).empty();
  };
  EXPECT_TRUE(opens(new_second, only_old) && opens(only_old, new_second));    // step 1
  EXPECT_TRUE(opens(new_first, new_second) && opens(new_second, new_first));  // step 2
  EXPECT_TRUE(opens(only_new, new_first) && opens(new_first, only_new));      // step 3
  EXPECT_FALSE(opens(only_new, only_old));
}

TEST(FleetCodec, TextIsGarbage_IsRefusedWithoutBeingShown) {
  const FleetCodec codec = sealing({Seal::new_key()});
  for (const char* text :
       {"", "hunter2", "[]", "{\"v\":1}", "{\"v\":2,\"sealed\":{}}", "{\"v\":1,\"sealed\":\"hunter2\"}",
        R"({"v":1,"generation":1,"expires_at_ms":1,"sealed":{"key":"","nonce":"!","box":"hunter2"}})"}) {
    const std::string why = refusal(codec, "t", text);
    EXPECT_NE(why, "") << text;
    EXPECT_EQ(why.find("hunter2"), std::string::npos) << why;
  }
}

TEST(Seal, KeyIsInvalid_ErrorNamesItsNumber) {
  for (const char* text : {"", "jeton-seal-1:", "jeton-seal-1:AAAA", "other:AAAA", "hunter2"}) {
    try {
      const Seal seal({Seal::new_key(), SecretString(text)});
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("seal key 2"), std::string::npos) << e.what();
      EXPECT_EQ(std::string(e.what()).find("hunter2"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace jeton::agent
