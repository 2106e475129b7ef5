// Attributes of a token as they are in a slot: for each one its name's size and its value's size (32 bits each,
// not aligned), then the name and the value. AttributeCursor walks them and never leaves the given bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace jeton::layout {

inline constexpr std::size_t attribute_overhead = 8;  // bytes beside name and value

class AttributeCursor {
 public:
  explicit AttributeCursor(std::string_view bytes) : rest_(bytes) {}

  // False at the end and at the first malformed entry; malformed() distinguishes them.
  [[nodiscard]] bool next(std::string_view& name, std::string_view& value) {
    if (rest_.empty() || malformed_) return false;
    std::uint32_t sizes[2] = {};
    malformed_ = rest_.size() < sizeof(sizes);
    if (malformed_) return false;
    std::memcpy(sizes, rest_.data(), sizeof(sizes));
    rest_.remove_prefix(sizeof(sizes));
    malformed_ = std::uint64_t{sizes[0]} + sizes[1] > rest_.size();
    if (malformed_) return false;
    // substr() would check again and might throw, which needs a C++ runtime that libjeton does without.
    name = std::string_view(rest_.data(), sizes[0]);
    value = std::string_view(rest_.data() + sizes[0], sizes[1]);
    rest_.remove_prefix(std::size_t{sizes[0]} + sizes[1]);
    return true;
  }
  [[nodiscard]] bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
};

}  // namespace jeton::layout
