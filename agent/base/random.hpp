// Sources of random numbers: the operating system's generator in the agent, a seeded one in a simulation.
#pragma once

#include <array>
#include <cstddef>
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

// getrandom(2), which never fails on a booted machine. It reads ahead, because a system call costs more than its bytes.
// One thread.
class OsRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;

 private:
  std::array<std::byte, 256> ahead_{};
  std::size_t left_ = 0;  // at the end of ahead_
};

}  // namespace jeton::agent
