// RecordFile: the newest record of one token on this host's disk, so that a state in it (a rotated refresh token)
// outlives a crash before its publication, a reboot, and a loss of the coordinator's data; and beside it the answers
// that may hold such a state and could not be read (unread_answers.hpp).
//
// The file is sealed by the fleet's keys, has mode 0600 in a directory of mode 0700, is replaced as a whole and synced
// to the disk. One thread at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/record/fleet_codec.hpp"
#include "agent/record/record.hpp"
#include "agent/record/unread_answers.hpp"

namespace jeton::agent {

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
