// UnreadAnswers: the answers of one token's provider that may hold a new refresh token and could not be read, on this
// host's disk, so that an operator can find the refresh token by hand (`jeton-agent answers NAME`).
//
// It keeps the newest three, at most 256 KiB of each; sealed by the fleet's keys, mode 0600. One thread at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

inline constexpr std::size_t max_unread_answers = 3;
inline constexpr std::size_t max_unread_answer = 256 * 1024;  // bytes; the rest is cut off

class UnreadAnswers {
 public:
  // `directory` is the directory of the records; it must exist when an answer is kept.
  UnreadAnswers(std::filesystem::path directory, std::string name, FleetCodec codec)
      : directory_(std::move(directory)), name_(std::move(name)), codec_(std::move(codec)) {}

  // Throws Error if it cannot be written.
  void keep(const SecretString& answer, WallTime now) const;
  // Removes all kept answers. A file that cannot be removed stays.
  void forget() const;

  struct Kept {
    WallTime at;
    SecretString answer;
  };
  // The oldest first. Throws Error if one cannot be read.
  [[nodiscard]] std::vector<Kept> all() const;

 private:
  // The times in the names of the files, the oldest first.
  [[nodiscard]] std::vector<std::int64_t> times() const;
  [[nodiscard]] std::filesystem::path file_of(std::int64_t time_ms) const;

  std::filesystem::path directory_;
  std::string name_;
  FleetCodec codec_;
};

}  // namespace jeton::agent
