// Sources of random numbers: the operating system's generator in the agent, a seeded one in a simulation.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <string>

namespace jeton::agent {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  virtual void fill(std::span<std::byte> out) = 0;

  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] double uniform();
  // `bytes` random bytes as lower-case hexadecimal digits.
  [[nodiscard]] std::string hex(std::size_t bytes);
};

// getrandom(2), a page at a time: small draws come from a buffer. Bytes that were drawn are wiped there, a core dump
// has none, and a child of a fork finds the buffer empty, so that no two draws get the same bytes. Never fails on a
// booted machine. Any thread.
class OsRandom final : public Random {
 public:
  OsRandom();
  OsRandom(const OsRandom&) = delete;
  OsRandom& operator=(const OsRandom&) = delete;
  ~OsRandom() override;

  void fill(std::span<std::byte> out) override;

 private:
  struct Buffer;

  std::mutex mutex_;
  Buffer* const buffer_;  // on a page of its own; null: the kernel cannot empty it in a child, so there is none
};

}  // namespace jeton::agent
