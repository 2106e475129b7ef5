// LocalLockFiles: the files of the local lock store, so that a lock outlives the agent that granted it: a detached
// lock belongs to its holder until its TTL ends, whichever process restarts meanwhile. Each lock has a file, and one
// more file has a number that all fences are below.
//
// Expiry times are on the clock that counts since boot; locks of an earlier boot have ended. The directory belongs to
// one agent. Errors: Error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

struct LocalLock {
  std::string owner;
  std::uint64_t fence = 0;
  BootTime expires_at;
  LockNote note{};
  std::optional<BootTime> taken_at{};  // none: the agent that took it did not write the time
};

class LocalLockFiles {
 public:
  explicit LocalLockFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Creates the directory. Removes files of ended locks and damaged files, and logs it.
  [[nodiscard]] std::map<std::string, LocalLock> load(BootTime now);
  void save(const std::string& name, const LocalLock& lock) const;
  void remove(const std::string& name) const;

  // Returns a fence above every fence that was ever drawn here and its spare ones (LockStore::pass), and no lower than
  // `micros`, the time since 1970.
  [[nodiscard]] std::uint64_t next_fence(std::uint64_t micros);
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& name) const { return directory_ / (name + ".lock"); }

  std::filesystem::path directory_;
  std::string boot_id_;
  std::uint64_t last_fence_ = 0;
  std::uint64_t reserved_ = 0;  // on file: fences below this one may have been drawn
};

}  // namespace jeton::agent
