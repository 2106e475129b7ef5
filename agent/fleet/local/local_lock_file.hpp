// LocalLockFiles: the files of the local lock store, so that a lock outlives the agent that granted it: a detached
// lock is its holder's until its time to live ends, whichever process restarts meanwhile. A file a lock, and one with a
// number that all fences are below.
//
// Ends are on the clock that counts since boot; of an earlier boot nothing is left. The directory is one agent's own.
// Errors: Error.
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
  std::optional<BootTime> taken_at{};  // none: by an agent that did not write it down
};

class LocalLockFiles {
 public:
  explicit LocalLockFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Creates the directory. Removes files of ended locks and damaged files, and logs it.
  [[nodiscard]] std::map<std::string, LocalLock> load(BootTime now);
  void save(const std::string& name, const LocalLock& lock) const;
  void remove(const std::string& name) const;

  // Above every fence that was ever drawn here, and no lower than `micros`, the time since 1970.
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
