#include "agent/base/random.hpp"

#include <sys/mman.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <system_error>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t largest_buffered = 256;  // a larger draw asks the system itself

void fill_from_system(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (n > 0) out = out.subspan(static_cast<std::size_t>(n));
  }
}

// Null if the kernel has no such page.
void* map_wiped_on_fork() {
  void* const page = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, page_size, MADV_WIPEONFORK) == 0 && ::madvise(page, page_size, MADV_DONTDUMP) == 0) return page;
  ::munmap(page, page_size);
  return nullptr;
}

}  // namespace

// A page of zeros, as a child has it, is an empty buffer.
struct OsRandom::Buffer {
  std::size_t left = 0;  // of the bytes, from the first on
  std::array<std::byte, page_size - sizeof(std::size_t)> bytes{};
};

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

OsRandom::OsRandom()
    : buffer_([] {
        static_assert(sizeof(Buffer) <= page_size);
        void* const page = map_wiped_on_fork();
        return page == nullptr ? nullptr : new (page) Buffer;
      }()) {}

OsRandom::~OsRandom() {
  if (buffer_ == nullptr) return;
  wipe(buffer_, sizeof *buffer_);
  ::munmap(buffer_, page_size);
}

void OsRandom::fill(std::span<std::byte> out) {
  if (buffer_ == nullptr || out.size() > largest_buffered) {
    fill_from_system(out);
    return;
  }
  const std::lock_guard lock(mutex_);
  if (buffer_->left < out.size()) {
    buffer_->left = 0;
    fill_from_system(buffer_->bytes);
    buffer_->left = buffer_->bytes.size();
  }
  std::byte* const drawn = buffer_->bytes.data() + (buffer_->left - out.size());
  std::memcpy(out.data(), drawn, out.size());
  wipe(drawn, out.size());
  buffer_->left -= out.size();
}

}  // namespace jeton::agent
