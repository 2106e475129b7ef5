// Writer and reader on the same memory, in threads of one process: here ThreadSanitizer sees both sides.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "agent/segment/slot_writer.hpp"
#include "libclient/layout/racing_copy.hpp"
#include "libclient/src/slot_reader.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton {
namespace {

struct alignas(64) Line {
  std::byte bytes[64];
};

// Segment in ordinary memory, with both halves of the protocol on it.
class Protocol {
 public:
  Protocol()
      : geometry(layout::geometry_for(2048)),
        storage(geometry.segment_size / sizeof(Line) + 1),
        writer(reinterpret_cast<std::byte*>(storage.data()), geometry) {
    mapping.base = reinterpret_cast<const std::byte*>(storage.data());
    mapping.geometry = geometry;
    mapping.find_slots();
  }
  client::SlotRead read(std::string& value, client::Snapshot& snapshot) const {
    value.resize(geometry.value_capacity);
    const client::SlotRead result =
        client::read_slot(mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* content) {
          layout::racing_copy(value.data(), content, slot.value_size);
        });
    if (result == client::SlotRead::ok) value.resize(snapshot.slot.value_size);
    return result;
  }

  layout::Geometry geometry;
  std::vector<Line> storage;
  agent::SlotWriter writer;
  client::Mapping mapping;
};

// `copy(to, from, size)` for all sizes from `smallest` to 600, at several alignments.
template <typename Copy>
void expect_exact_copies(std::size_t smallest, const Copy& copy) {
  std::vector<unsigned char> from(700);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<unsigned char>(i * 31 + 1);
  for (std::size_t size = smallest; size <= 600; ++size) {
    for (const std::size_t offset : {0U, 1U, 7U, 8U, 16U, 33U}) {
      std::vector<unsigned char> to(700, 0xee);
      copy(to.data() + offset, from.data() + 3, size);
      ASSERT_EQ(std::memcmp(to.data() + offset, from.data() + 3, size), 0) << size << " at " << offset;
      for (std::size_t i = 0; i < offset; ++i) ASSERT_EQ(to[i], 0xee) << size << " before " << offset;
      for (std::size_t i = offset + size; i < to.size(); ++i) ASSERT_EQ(to[i], 0xee) << size << " behind " << offset;
    }
  }
}

TEST(RacingCopy, LengthIsAny_ExactlyTheseBytesAreCopied) { expect_exact_copies(0, layout::racing_copy); }

#if defined(JETON_LAYOUT_MOVES) && defined(__x86_64__)
// Not only in the registers that this machine's processor would choose.
TEST(RacingCopy, RegisterWidthIsAny_ExactlyTheseBytesAreCopied) {
  namespace detail = layout::detail;
  expect_exact_copies(256, detail::copy_large<detail::Sse2>);
  if (__builtin_cpu_supports("avx")) expect_exact_copies(256, detail::copy_large<detail::Avx>);
  if (__builtin_cpu_supports("avx512vl")) expect_exact_copies(256, detail::copy_large<detail::Avx512>);
}
#endif

TEST(RacingCopy, RangeIsZeroed_ExactlyTheseBytesAreCleared) {
  for (const std::size_t size : {0U, 1U, 5U, 100U, 1023U, 1024U, 1025U, 3000U}) {
    std::vector<unsigned char> bytes(3100, 0xee);
    layout::racing_zero(bytes.data() + 9, size);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(bytes[i], i >= 9 && i < 9 + size ? 0 : 0xee) << size << ", byte " << i;
    }
  }
}

TEST(SlotProtocol, NothingIsPublished_ReadGivesNoToken) {
  const Protocol protocol;
  std::string value;
  client::Snapshot snapshot;
  EXPECT_EQ(protocol.read(value, snapshot), client::SlotRead::no_token);
}

TEST(SlotProtocol, ContentIsDamaged_ReadIsCorruptAndNotBusy) {
  Protocol protocol;
  protocol.writer.publish(test::sample_record(1), layout::state_valid);
  auto* content = reinterpret_cast<std::byte*>(protocol.storage.data()) + protocol.geometry.content_offset(1);
  content[3] ^= std::byte{1};
  std::string value;
  client::Snapshot snapshot;
  EXPECT_EQ(protocol.read(value, snapshot), client::SlotRead::corrupt);
}

TEST(SlotProtocol, SizeExceedsTheCapacity_ReadIsCorrupt) {
  Protocol protocol;
  protocol.writer.publish(test::sample_record(1), layout::state_valid);
  auto& slot = *reinterpret_cast<layout::SlotHeader*>(reinterpret_cast<std::byte*>(protocol.storage.data()) +
                                                      protocol.geometry.slot_offset(1));
  slot.value_size = 0xffffffff;
  std::string value;
  client::Snapshot snapshot;
  EXPECT_EQ(protocol.read(value, snapshot), client::SlotRead::corrupt);
}

TEST(SlotProtocol, SegmentIsRetired_ReadIsRetired) {
  Protocol protocol;
  protocol.writer.publish(test::sample_record(1), layout::state_valid);
  protocol.writer.retire();
  std::string value;
  client::Snapshot snapshot;
  EXPECT_EQ(protocol.read(value, snapshot), client::SlotRead::retired);
}

TEST(SlotProtocol, ReadersRaceWithTheWriter_NoTokenIsTornOrOlder) {
  Protocol protocol;
  constexpr agent::Generation last = 3000;
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> older{0};
  std::atomic<int> other_results{0};
  std::vector<std::uint64_t> seen(3);
  std::vector<std::thread> readers;
  for (std::size_t r = 0; r < seen.size(); ++r) {
    readers.emplace_back([&, r] {
      std::string value;
      client::Snapshot snapshot;
      agent::Generation newest = 0;
      while (!done.load(std::memory_order_relaxed) || newest != last) {
        const client::SlotRead result = protocol.read(value, snapshot);
        if (result == client::SlotRead::busy || result == client::SlotRead::no_token) continue;
        if (result != client::SlotRead::ok) {
          ++other_results;
          return;
        }
        const agent::Generation generation = test::checked_generation(value);
        if (generation == 0 || generation != snapshot.slot.generation) ++torn;
        if (generation < newest) ++older;
        if (generation != newest) ++seen[r];
        newest = generation;
      }
    });
  }
  agent::Record record = test::sample_record(1);
  for (agent::Generation g = 1; g <= last; ++g) {
    record.generation = g;
    record.value = agent::SecretString(test::checked_value(g, 20 + g * 37 % 2000));
    protocol.writer.publish(record, layout::state_valid);
    if (g % 64 == 0) std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(older, 0);
  EXPECT_EQ(other_results, 0);
  for (const std::uint64_t count : seen) EXPECT_GT(count, 0U);
}

}  // namespace
}  // namespace jeton
