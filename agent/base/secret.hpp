// SecretString: bytes that must not leak.
//
// Wipes its memory when it dies, is assigned or grows; has no stream operator, no formatter and no implicit conversion,
// so a secret reaches a log, an error or a response only where the code calls reveal(). Value type; not synchronised.
// In logs and answers a token is named by its generation and its fingerprint().
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::agent {

// Overwrites memory in a way the compiler may not remove.
void wipe(void* data, std::size_t size) noexcept;
inline void wipe(std::string& text) noexcept {
  wipe(text.data(), text.capacity());
  text.clear();
}

// Clears the vector registers of this thread: memcpy leaves the last bytes it moved there, and a core dump holds the
// registers of every thread. Called where a thread is done with a token.
void wipe_registers() noexcept;

template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept {
    wipe(p, n * sizeof(T));
    std::allocator<T>{}.deallocate(p, n);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text) : bytes_(text.begin(), text.end()) {}

  [[nodiscard]] std::string_view reveal() const { return {bytes_.data(), bytes_.size()}; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  void append(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  void clear() { bytes_ = {}; }

  // First 8 hex digits of SHA-256: distinguishes two tokens in a log and reveals neither.
  [[nodiscard]] std::string fingerprint() const;

  // Constant-time in the content, not in the length.
  friend bool operator==(const SecretString& a, const SecretString& b) noexcept;

 private:
  std::vector<char, WipingAllocator<char>> bytes_;  // a vector, because a short std::string lives outside its allocator
};

// A copy with a terminating NUL inside, for C functions: reveal().data() is a C string.
[[nodiscard]] SecretString null_terminated(std::string_view text);

}  // namespace jeton::agent
