// The files that this host keeps of one token: its newest record (RecordFile), so that a state in it (a rotated refresh
// token) outlives a crash before its publication, a reboot, and a loss of the coordinator's data; and beside it the
// answers that may hold such a state and could not be read (UnreadAnswers). One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

inline constexpr std::size_t max_unread_answers = 3;
inline constexpr std::size_t max_unread_answer = 256 * 1024;  // bytes; the rest is cut off

// The answers of one token's provider that may hold a new refresh token and could not be read, so that an operator can
// find the refresh token by hand (`jeton-agent answers NAME`).
//
// It keeps the newest three, at most 256 KiB of each; sealed by the fleet's keys, mode 0600.
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

// The place where the refresh loop saves a record before it publishes it.
class RecordKeeper {
 public:
  RecordKeeper() = default;
  RecordKeeper(const RecordKeeper&) = delete;
  RecordKeeper& operator=(const RecordKeeper&) = delete;
  virtual ~RecordKeeper() = default;

  // Both throw Error that says what to do.
  [[nodiscard]] virtual std::optional<Record> load() = 0;
  virtual void save(const Record& record) = 0;
  // Keep an answer that cannot be read, for an operator; and remove the kept answers.
  virtual void keep_answer(const SecretString& answer, WallTime at) = 0;
  virtual void forget_answers() = 0;
};

// The file is sealed by the fleet's keys, has mode 0600 in a directory of mode 0700, is replaced as a whole and synced
// to the disk.
class RecordFile final : public RecordKeeper {
 public:
  // Makes the directory if it is missing. Throws Error if it cannot be used.
  RecordFile(const std::filesystem::path& directory, std::string name, FleetCodec codec);

  // Throws Error for a file that cannot be read as a record, and leaves it unchanged: it may be sealed with a key that
  // is missing.
  [[nodiscard]] std::optional<Record> load() override;
  void save(const Record& record) override;
  void keep_answer(const SecretString& answer, WallTime at) override { answers_.keep(answer, at); }
  void forget_answers() override { answers_.forget(); }

 private:
  std::string name_;
  std::filesystem::path file_;
  FleetCodec codec_;
  UnreadAnswers answers_;
};

}  // namespace jeton::agent
