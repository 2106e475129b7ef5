#include "tests/virtual/refresh/real_segment.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "libclient/src/slot_reader.hpp"

namespace jeton::test {
namespace {

struct alignas(layout::cache_line) CacheLine {
  std::byte bytes[layout::cache_line];
};

std::string difference_of(const layout::SlotHeader& slot, std::string_view content, const agent::Record& given) {
  if (slot.generation != given.generation) return "the generation";
  if (slot.issued_at_ms != agent::to_unix_ms(given.issued_at)) return "the time of issue";
  if (slot.expires_at_ms != agent::to_unix_ms(given.expires_at)) return "the end";
  const bool has_boot_end = given.expires_boot != agent::no_boot_end;
  if (slot.expires_boot_ms != (has_boot_end ? agent::to_boot_ms(given.expires_boot) : 0))
    return "the end by the boot clock";
  if (content.substr(0, slot.value_size) != given.value.reveal()) return "the value";
  content.remove_prefix(slot.value_size);
  if (content.substr(0, slot.type_size) != given.type) return "the type";
  content.remove_prefix(std::size_t{slot.type_size} + slot.attributes_size);
  if (slot.previous_generation == 0) return {};  // its overlap had ended
  if (!given.previous || slot.previous_generation != given.previous->generation) return "the previous generation";
  if (content.substr(0, slot.previous_size) != given.previous->value.reveal()) return "the previous value";
  return {};
}

}  // namespace

std::string difference_to_readers(const std::filesystem::path& file, const agent::Record& given, bool expired,
                                  bool rejected) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  std::vector<CacheLine> bytes(text.size() / sizeof(CacheLine) + sizeof(layout::FileHeader) / sizeof(CacheLine));
  std::memcpy(bytes.data(), text.data(), text.size());
  client::Mapping mapping;
  mapping.base = bytes.front().bytes;
  if (layout::read_geometry(mapping.header(), text.size(), mapping.geometry) != layout::HeaderFault::none)
    return "the header of the file";
  mapping.find_slots();
  mapping.has_our_boot_clock = true;
  client::Snapshot snapshot;
  std::string content;
  const auto read = client::read_slot(mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* from) {
    content.resize(layout::content_size(slot));
    layout::racing_copy(content.data(), from, content.size());
  });
  if (read != client::SlotRead::ok) return "a slot that cannot be read";
  const std::uint64_t state =
      (expired ? layout::state_expired : layout::state_valid) | (rejected ? layout::state_rejected : 0);
  if (layout::state_of(snapshot.control) != state) return "the flags";
  return difference_of(snapshot.slot, content, given);
}

std::string difference_of(const std::optional<agent::Record>& given, const std::optional<agent::Record>& held) {
  if (given.has_value() != held.has_value()) return held ? "a token" : "no token";
  if (!given) return {};
  if (held->generation != given->generation) return "the generation";
  if (held->value != given->value) return "the value";
  if (held->type != given->type) return "the type";
  if (held->attributes != given->attributes) return "the attributes";
  if (held->fetched_by != given->fetched_by) return "the origin";
  if (held->issued_at != given->issued_at || held->expires_at != given->expires_at) return "the times";
  if (agent::to_boot_ms(held->expires_boot) != agent::to_boot_ms(given->expires_boot))
    return "the end by the boot clock";
  if (!held->previous) return {};  // its overlap had ended
  if (!given->previous || held->previous->value != given->previous->value) return "the previous token";
  return {};
}

}  // namespace jeton::test
