#include "agent/base/random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <vector>

namespace jeton::agent {
namespace {

void read_from_system(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (n > 0) out = out.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

double Random::uniform() {
  std::array<std::byte, sizeof(std::uint64_t)> raw{};
  fill(raw);
  std::uint64_t bits = 0;
  std::memcpy(&bits, raw.data(), sizeof bits);
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

std::string Random::hex(std::size_t bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::vector<std::byte> raw(bytes);
  fill(raw);
  std::string text;
  text.reserve(2 * bytes);
  for (const std::byte b : raw) {
    text.push_back(digits[std::to_integer<unsigned>(b) >> 4U]);
    text.push_back(digits[std::to_integer<unsigned>(b) & 15U]);
  }
  return text;
}

// Bytes that were given out are wiped: a secret may have been made of them.
void OsRandom::fill(std::span<std::byte> out) {
  if (out.size() > ahead_.size()) return read_from_system(out);
  if (out.size() > left_) {
    read_from_system(ahead_);
    left_ = ahead_.size();
  }
  const std::span<std::byte> next = std::span(ahead_).last(left_).first(out.size());
  std::ranges::copy(next, out.begin());
  ::explicit_bzero(next.data(), next.size());
  left_ -= out.size();
}

}  // namespace jeton::agent
