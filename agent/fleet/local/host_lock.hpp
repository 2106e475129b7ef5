// HostLock: a lock on a file that excludes other processes of this host and, by a register of this process, its other
// threads and objects: the kernel's file locks belong to the process and would let those in. The kernel frees it
// when the holder dies, however it dies.
//
// Objects for the same file may be used from different threads; one object by one thread. Never blocks. Do not open and
// close the file by other means in this process: that would free the lock (fcntl(2)).
#pragma once

#include <filesystem>
#include <memory>

namespace jeton::agent {

class HostLock {
 public:
  // Creates the file (0600) if it is not there. Throws Error.
  explicit HostLock(const std::filesystem::path& path);
  ~HostLock();  // unlocks
  HostLock(const HostLock&) = delete;
  HostLock& operator=(const HostLock&) = delete;

  [[nodiscard]] bool try_lock();
  void unlock();
  // The file at the path is still the one that is locked; if it was removed, the lock excludes no process any more.
  [[nodiscard]] bool intact() const;

 private:
  struct Shared;
  static std::shared_ptr<Shared> find_or_open(const std::filesystem::path& path);

  std::filesystem::path path_;
  std::shared_ptr<Shared> shared_;
  bool held_ = false;
};

}  // namespace jeton::agent
