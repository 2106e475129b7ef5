// RuntimeDir: the directory that holds everything of one agent on this host, and the mutex of its writers.
//
//   runtime_dir/             0755, made if it does not exist
//   runtime_dir/agent.lock   held while the agent runs, released by the kernel when it dies: one agent per directory
//   runtime_dir/writer.mutex see WriterMutex
//   runtime_dir/segments/    0755; one segment per token (segment_store.hpp)
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "agent/base/unique_fd.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

// Excludes writers of segments from each other. A Boost interprocess_mutex in `writer.mutex`, a file of the agent that
// no reader can open, so that no reader can block the agent.
//
// The holder of `agent.lock` (RuntimeDir) creates the mutex again at every start, so a mutex that a killed agent left
// locked is not used again. If its owner is dead nevertheless, or does not release it within a second, it is created
// again with a warning. Throws Error.
class WriterMutex {
 public:
  explicit WriterMutex(std::filesystem::path file);
  ~WriterMutex();

  class [[nodiscard]] Guard {
   public:
    explicit Guard(WriterMutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { mutex_.unlock(); }

   private:
    WriterMutex& mutex_;
  };

 private:
  class Mapped;
  void lock();
  void unlock() noexcept;

  std::filesystem::path file_;
  std::unique_ptr<Mapped> mapped_;
};

// The directory is owned by this object for as long as it lives.
//
// Throws Error if the directory belongs to another user, is writable for others or has another agent (the message has
// its process id if known), or is not in memory although the policy requires that. One process must not make two
// objects for one directory (a POSIX file lock belongs to the process).
class RuntimeDir {
 public:
  // `disk_backed`: the reaction if the directory is not on tmpfs, so that tokens could reach a disk.
  RuntimeDir(const std::filesystem::path& path, Policy disk_backed);
  RuntimeDir(const RuntimeDir&) = delete;
  RuntimeDir& operator=(const RuntimeDir&) = delete;
  ~RuntimeDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path segment_path(const std::string& name) const { return path_ / "segments" / name; }
  [[nodiscard]] int segments_fd() const { return segments_.get(); }
  [[nodiscard]] WriterMutex& writer_mutex() { return *mutex_; }

  // Creates the directories, the lock and the mutex again if they were removed. Each store does so for its segment
  // (SegmentStore::heartbeat). True: something was created. Throws Error if that fails: the parent belongs to another
  // user, or another agent has taken the directory.
  bool restore();

  // Retires and removes the segments of tokens that the configuration no longer has.
  void retire_others(const std::set<std::string>& keep);

 private:
  class Lock;

  void take();
  [[nodiscard]] bool in_place() const;

  std::filesystem::path path_;
  Policy disk_backed_;
  UniqueFd segments_;
  std::unique_ptr<Lock> lock_;
  std::unique_ptr<WriterMutex> mutex_;
};

}  // namespace jeton::agent
