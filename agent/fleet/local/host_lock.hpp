// HostLock: a lock on a file that excludes other processes of this host and, by a register of this process, its other
// threads and objects: the kernel's file locks belong to the process and would let those in. The kernel frees it
// when the holder dies, however it dies.
//
// Objects for the same file may be used from different threads; one object by one thread. Never blocks. Do not open and
// close the file by other means in this process: that would free the lock (fcntl(2)).
//
// LocalLeases: the updater locks that this process holds on this host: a HostLock each, freed when its TTL ends without
// a renewal. One thread: the loop's.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/timers.hpp"

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

class LocalLeases {
 public:
  // Timers outlive this object.
  explicit LocalLeases(Timers& timers) : timers_(timers) {}
  ~LocalLeases() { release_all(); }
  LocalLeases(const LocalLeases&) = delete;
  LocalLeases& operator=(const LocalLeases&) = delete;

  // False: held, by this process or another. Throws Error if the file cannot be locked.
  [[nodiscard]] bool try_take(const std::string& name, const std::filesystem::path& file, const std::string& owner,
                              Duration ttl);
  // False: this owner does not hold it (any more), or the file was replaced after it was locked.
  [[nodiscard]] bool renew(const std::string& name, const std::string& owner, Duration ttl);
  void release(const std::string& name, const std::string& owner);
  void release_all();

  [[nodiscard]] bool owns(const std::string& name, const std::string& owner) const;
  // The end of the lease of this name, if this process holds it.
  [[nodiscard]] std::optional<BootTime> expires_at(const std::string& name) const;

 private:
  struct Held {
    std::string owner;
    std::unique_ptr<HostLock> lock;
    BootTime expires_at;
    Timers::Id timer = 0;
  };

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  void arm(const std::string& name, Held& held, Duration ttl);
  void drop_expired(const std::string& name);
  void free_lease(std::map<std::string, Held>::iterator held);

  Timers& timers_;
  std::map<std::string, Held> held_;
};

}  // namespace jeton::agent
