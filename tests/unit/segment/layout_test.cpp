// The wire format, byte by byte. If one of these fails, processes with another build of libjeton cannot read the
// segment any more: raise the version instead of the expectation.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/segment/slot_writer.hpp"
#include "libclient/layout/attributes.hpp"
#include "libclient/layout/checksum.hpp"
#include "libclient/layout/geometry.hpp"
#include "libclient/layout/segment.hpp"

namespace jeton::layout {
namespace {

std::string hex(const std::byte* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[static_cast<unsigned>(bytes[i]) >> 4];
    text += digits[static_cast<unsigned>(bytes[i]) & 15];
    if (i % 8 == 7) text += i + 1 < size ? " " : "";
  }
  return text;
}

// A whole segment in ordinary memory.
class Segment {
 public:
  explicit Segment(std::uint32_t capacity) : geometry(geometry_for(capacity)), storage(geometry.segment_size / 64 + 1) {
    FileHeader& h = header();
    std::memcpy(h.magic, magic, sizeof(magic));
    h.major_version = major_version;
    h.minor_version = minor_version;
    h.header_size = sizeof(FileHeader);
    h.segment_size = geometry.segment_size;
    h.slots_offset = geometry.slots_offset;
    h.slot_stride = geometry.slot_stride;
    h.slot_header_size = geometry.slot_header_size;
    h.value_capacity = geometry.value_capacity;
    h.type_capacity = geometry.type_capacity;
    h.attributes_capacity = geometry.attributes_capacity;
    h.origin_capacity = geometry.origin_capacity;
    h.name_size = 6;
    h.created_at_ms = 1'700'000'000'000;
    std::memcpy(h.name, "wechat", 6);
    for (std::size_t i = 0; i < sizeof(h.boot_id); ++i) h.boot_id[i] = static_cast<std::uint8_t>(0xb0 + i);
    h.time_namespace = 0xeffffffa;
  }
  std::byte* base() { return reinterpret_cast<std::byte*>(storage.data()); }
  FileHeader& header() { return *reinterpret_cast<FileHeader*>(base()); }

  Geometry geometry;

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> storage;
};

std::span<std::byte> bytes_of_slot(Segment& segment, unsigned slot) {
  const Geometry& geometry = segment.geometry;
  return {segment.base() + geometry.slot_offset(slot), geometry.slot_header_size + geometry.content_capacity()};
}

// No byte of the slot is written, or all were wiped.
bool is_zero(Segment& segment, unsigned slot) {
  return std::ranges::all_of(bytes_of_slot(segment, slot), [](std::byte byte) { return byte == std::byte{0}; });
}

agent::Record golden_record() {
  agent::Record record;
  record.generation = 0x0102030405060708;
  record.value = agent::SecretString("abc");
  record.type = "T";
  record.attributes = {{"k", "vw"}};
  record.issued_at = agent::from_unix_ms(1'700'000'001'000);
  record.expires_at = agent::from_unix_ms(1'700'000'002'000);
  record.previous = agent::PreviousToken{agent::SecretString("prev"), 7, agent::from_unix_ms(1'700'000'003'000)};
  record.fetched_by = "h1";
  record.expires_boot = agent::from_boot_ms(5'000'000);
  record.previous->accept_until_boot = agent::from_boot_ms(4'000'000);
  return record;
}

TEST(Layout, HeaderIsWritten_HasTheExpectedBytes) {
  Segment segment(16);
  EXPECT_EQ(segment.geometry.segment_size, 384U + 2 * 4608);
  EXPECT_EQ(hex(segment.base(), 80),
            "4a45544f4e534547 0100010080010000 8025000000000000 8001000000000000 0012000000000000 "
            "8000000010000000 3f00000000100000 ff00000006000000 0068e5cf8b010000 7765636861740000");
  EXPECT_EQ(hex(segment.base() + 80, 8), "0000000000000000");
  // Since 1.1: which boot clock.
  EXPECT_EQ(hex(segment.base() + 200, 32), "b0b1b2b3b4b5b6b7 b8b9babbbcbdbebf faffffef00000000 0000000000000000");
}

TEST(Layout, RecordIsPublished_SlotHasTheExpectedBytes) {
  Segment segment(16);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  writer.publish(golden_record(), state_valid);
  writer.set_heartbeat(agent::from_unix_ms(0x0a0b));

  // control: publication 1, valid; wake: bumped once
  EXPECT_EQ(hex(segment.base() + 256, 16), "0101000000000000 0100000000000000");
  EXPECT_EQ(hex(segment.base() + 320, 8), "0b0a000000000000");
  // publication 1 is in slot 1
  const std::byte* slot = segment.base() + segment.geometry.slot_offset(1);
  EXPECT_EQ(hex(slot, 72),
            "0100000000000000 0807060504030201 e86be5cf8b010000 d06fe5cf8b010000 0700000000000000 "
            "b873e5cf8b010000 0300000001000000 0b00000004000000 0200000000000000");
  EXPECT_EQ(hex(slot + 128, 21), "6162635401000000 020000006b767770 7265766831");
  // As in version 1.0, whose readers see nothing of what follows it.
  EXPECT_EQ(hex(slot + 72, 8), "22255a549c565e62");
  // Since 1.1: the ends by the boot clock, and their checksum.
  EXPECT_EQ(hex(slot + 80, 24), "404b4c0000000000 00093d0000000000 e5729a0e9ceb395b");
  EXPECT_EQ(hex(slot + 104, 24), "0000000000000000 0000000000000000 0000000000000000");
}

TEST(Layout, SlotWithoutBootTimes_HasTheBytesOfVersion10) {
  Segment segment(16);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  agent::Record record = golden_record();
  record.expires_boot = agent::no_boot_end;
  record.previous->accept_until_boot = agent::no_boot_end;
  writer.publish(record, state_valid);
  const std::byte* slot = segment.base() + segment.geometry.slot_offset(1);
  EXPECT_EQ(hex(slot + 72, 8), "22255a549c565e62");
  EXPECT_EQ(hex(slot + 80, 16), "0000000000000000 0000000000000000");
}

TEST(Layout, StateChanges_PublicationIsKept) {
  Segment segment(16);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  writer.publish(golden_record(), state_valid);
  writer.set_state(state_expired);
  EXPECT_EQ(hex(segment.base() + 256, 12), "0201000000000000 02000000");
}

TEST(Layout, SlotIsSuperseded_IsWiped) {
  Segment segment(16);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  agent::Record record = golden_record();
  writer.publish(record, state_valid);
  record.previous.reset();
  record.value = agent::SecretString("xyz");
  writer.publish(record, state_valid);
  const std::string all(reinterpret_cast<const char*>(segment.base()), segment.geometry.segment_size);
  EXPECT_EQ(all.find("abc"), std::string::npos);
  EXPECT_NE(all.find("xyz"), std::string::npos);
}

TEST(Layout, TokensDifferInSize_NothingIsInTheSupersededSlot) {
  Segment segment(64);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  agent::Record record = golden_record();
  record.previous.reset();
  unsigned current = 0;
  for (const std::size_t size : {64U, 1U, 30U, 64U, 2U, 1U, 40U, 3U}) {
    record.value = agent::SecretString(std::string(size, 'v'));
    record.attributes = {{"k", std::string(4 * size, 'a')}};
    writer.publish(record, state_valid);
    current ^= 1U;
    EXPECT_FALSE(is_zero(segment, current)) << size;
    EXPECT_TRUE(is_zero(segment, current ^ 1U)) << size;
  }
  writer.retire();
  EXPECT_TRUE(is_zero(segment, 0) && is_zero(segment, 1));
}

TEST(Layout, EarlierWriterLeftBytesInBothSlots_AreWiped) {
  Segment segment(64);
  for (const unsigned slot : {0U, 1U}) bytes_of_slot(segment, slot).back() = std::byte{1};
  agent::SlotWriter writer(segment.base(), segment.geometry);
  writer.wipe_idle_slot();
  EXPECT_TRUE(is_zero(segment, 1));
  writer.publish(golden_record(), state_valid);
  EXPECT_TRUE(is_zero(segment, 0));
}

#ifdef JETON_FAILPOINTS
TEST(Layout, PublicationFails_NoByteOfItIsLeftBehindASmallerOne) {
  Segment segment(64);
  agent::SlotWriter writer(segment.base(), segment.geometry);
  writer.publish(golden_record(), state_valid);
  agent::Record large = golden_record();
  large.value = agent::SecretString(std::string(64, 'v'));
  agent::observe_failpoints([](std::string_view name) {
    if (name == "segment.publish.filled") throw agent::Error("it fails here");
  });
  EXPECT_THROW(writer.publish(large, state_valid), agent::Error);
  agent::observe_failpoints(nullptr);
  writer.publish(golden_record(), state_valid);
  writer.publish(golden_record(), state_valid);
  EXPECT_TRUE(is_zero(segment, 0));
}
#endif

// Against what the reference implementation says.
TEST(Checksum, TextIsGiven_ChecksumIsXxh64) {
  const auto of = [](std::string_view text, std::uint64_t seed = 0) { return xxh64(text.data(), text.size(), seed); };
  EXPECT_EQ(of(""), 0xef46db3751d8e999U);
  EXPECT_EQ(of("a"), 0xd24ec4f1a98c6e5bU);
  EXPECT_EQ(of("abc"), 0x44bc2cf5ad770999U);
  EXPECT_EQ(of("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1U);
}

TEST(Checksum, BytesAreSharedWithAWriter_ChecksumIsTheSame) {
  alignas(8) unsigned char bytes[200];
  for (std::size_t i = 0; i < sizeof(bytes); ++i) bytes[i] = static_cast<unsigned char>(i);
  EXPECT_EQ(xxh64<RacingLoads>(bytes, sizeof(bytes), 7), 0x38095d110db174ccU);
  for (std::size_t size = 0; size < sizeof(bytes); ++size) {
    EXPECT_EQ(xxh64<RacingLoads>(bytes, size, 7), xxh64(bytes, size, 7)) << size;
  }
}

class HeaderCheck : public testing::Test {
 protected:
  HeaderFault fault() {
    Geometry ignored;
    return read_geometry(segment.header(), segment.geometry.segment_size, ignored);
  }
  Segment segment{64};
};

TEST_F(HeaderCheck, HeaderIsAsWritten_IsAccepted) {
  Geometry geometry;
  EXPECT_EQ(read_geometry(segment.header(), segment.geometry.segment_size, geometry), HeaderFault::none);
  EXPECT_EQ(geometry, segment.geometry);
}
TEST_F(HeaderCheck, MinorVersionIsHigher_IsAccepted) {
  segment.header().minor_version = 7;
  EXPECT_EQ(fault(), HeaderFault::none);
}
TEST_F(HeaderCheck, MagicIsWrong_IsRefused) {
  segment.header().magic[7] = 'X';
  EXPECT_EQ(fault(), HeaderFault::bad_magic);
}
TEST_F(HeaderCheck, MajorVersionIsAnother_IsRefused) {
  segment.header().major_version = 2;
  EXPECT_EQ(fault(), HeaderFault::unsupported_version);
}
TEST_F(HeaderCheck, FileSizeDiffersFromTheDeclaredOne_IsRefused) {
  segment.header().segment_size += 64;
  EXPECT_EQ(fault(), HeaderFault::truncated);
}
TEST_F(HeaderCheck, GeometryExceedsTheFile_IsRefused) {
  const FileHeader good = segment.header();
  const std::vector<void (*)(FileHeader&)> damages = {
      [](FileHeader& h) { h.header_size = 8; },
      [](FileHeader& h) { h.slots_offset = 0; },
      [](FileHeader& h) { h.slots_offset = h.segment_size; },
      [](FileHeader& h) { h.slots_offset = ~std::uint64_t{63}; },
      [](FileHeader& h) { h.slots_offset += 8; },
      [](FileHeader& h) { h.slot_stride = 0; },
      [](FileHeader& h) { h.slot_stride = ~std::uint64_t{63}; },
      [](FileHeader& h) { h.slot_stride = std::uint64_t{1} << 63; },
      [](FileHeader& h) { h.slot_stride *= 2; },
      [](FileHeader& h) { h.slot_header_size = 0; },
      [](FileHeader& h) { h.slot_header_size = 0xfffffff8; },
      [](FileHeader& h) { h.value_capacity = 0xffffffff; },
      [](FileHeader& h) { h.value_capacity += 64; },
      [](FileHeader& h) { h.type_capacity = 64; },
      [](FileHeader& h) { h.attributes_capacity = 0xffffffff; },
      [](FileHeader& h) { h.origin_capacity = 0xffffffff; },
      [](FileHeader& h) { h.name_size = 0; },
      [](FileHeader& h) { h.name_size = 129; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    segment.header() = good;
    damages[i](segment.header());
    EXPECT_EQ(fault(), HeaderFault::corrupt) << "damage " << i;
  }
}

TEST(TokenName, NameIsNoPlainFileName_IsRefused) {
  for (const char* good : {"a", "wechat", "A.b_c-1", "0"}) EXPECT_TRUE(is_token_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".hidden", "a/b", "/", "a b", "-x", "_x", "\xc3\xa9"}) {
    EXPECT_FALSE(is_token_name(bad)) << bad;
  }
  EXPECT_TRUE(is_token_name(std::string(128, 'x')));
  EXPECT_FALSE(is_token_name(std::string(129, 'x')));
  EXPECT_FALSE(is_token_name(std::string_view("a\0b", 3)));
}

TEST(Attributes, BytesAreMalformed_CursorEnds) {
  std::string_view name;
  std::string_view value;
  const auto sized = [](std::uint32_t n, std::uint32_t v, const std::string& rest) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &n, 4);
    std::memcpy(bytes.data() + 4, &v, 4);
    return bytes + rest;
  };
  for (const std::string& bytes :
       {std::string("short"), sized(1, 2, "ab"), sized(0xffffffff, 0xffffffff, "abc"), sized(0xffffffff, 1, "")}) {
    AttributeCursor cursor(bytes);
    EXPECT_FALSE(cursor.next(name, value));
    EXPECT_TRUE(cursor.malformed());
    EXPECT_FALSE(cursor.next(name, value));
  }
  const std::string good = sized(1, 2, "abc") + sized(0, 0, "");
  AttributeCursor cursor(good);
  ASSERT_TRUE(cursor.next(name, value));
  EXPECT_EQ(name, "a");
  EXPECT_EQ(value, "bc");
  ASSERT_TRUE(cursor.next(name, value));
  EXPECT_FALSE(cursor.next(name, value));
  EXPECT_FALSE(cursor.malformed());
}

}  // namespace
}  // namespace jeton::layout
