#include "agent/fleet/local/host_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/interprocess/sync/file_lock.hpp>
#include <map>
#include <mutex>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// One file, opened once in this process.
struct HostLock::Shared {
  boost::interprocess::file_lock file;
  dev_t device = 0;
  ino_t inode = 0;
  std::mutex mutex;
  bool held = false;  // by some HostLock of this process
};

namespace {

void create_if_missing(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw errno_error(path.string());
}

}  // namespace

std::shared_ptr<HostLock::Shared> HostLock::find_or_open(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Shared>> open_files;
  const std::lock_guard guard(mutex);

  struct stat status {};
  auto& entry = open_files[std::filesystem::absolute(path).lexically_normal().string()];
  auto shared = entry.lock();
  // Looked at by name, not opened: closing a second descriptor would free the lock of the first.
  const bool exists = ::lstat(path.c_str(), &status) == 0;
  if (shared && exists && status.st_dev == shared->device && status.st_ino == shared->inode) return shared;

  create_if_missing(path);
  if (::lstat(path.c_str(), &status) != 0) throw errno_error(path.string());
  if (!S_ISREG(status.st_mode)) throw Error(path.string() + ": not a regular file; remove it");
  shared = std::make_shared<Shared>();
  try {
    shared->file = boost::interprocess::file_lock(path.c_str());
  } catch (const boost::interprocess::interprocess_exception& e) {
    throw Error(path.string() + ": " + e.what());
  }
  shared->device = status.st_dev;
  shared->inode = status.st_ino;
  entry = shared;
  return shared;
}

HostLock::HostLock(const std::filesystem::path& path) : path_(path), shared_(find_or_open(path)) {}

HostLock::~HostLock() { unlock(); }

bool HostLock::try_lock() {
  const std::lock_guard guard(shared_->mutex);
  if (shared_->held) return false;
  try {
    if (!shared_->file.try_lock()) return false;
  } catch (const boost::interprocess::interprocess_exception& e) {
    throw Error(path_.string() + ": " + e.what());
  }
  shared_->held = true;
  held_ = true;
  return true;
}

void HostLock::unlock() {
  if (!held_) return;
  held_ = false;
  const std::lock_guard guard(shared_->mutex);
  shared_->held = false;
  try {
    shared_->file.unlock();
  } catch (const boost::interprocess::interprocess_exception&) {
    // The descriptor is good and the range is ours: the kernel has no reason to refuse.
  }
}

bool HostLock::intact() const {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) == 0 && status.st_dev == shared_->device && status.st_ino == shared_->inode;
}

bool LocalLeases::try_take(const std::string& name, const std::filesystem::path& file, const std::string& owner,
                           Duration ttl) {
  drop_expired(name);
  auto lock = std::make_unique<HostLock>(file);
  if (!lock->try_lock()) return false;
  // An entry under this name is a lock whose file was removed: it excludes no process.
  if (const auto stale = held_.find(name); stale != held_.end()) free_lease(stale);
  Held& held = held_[name];
  held.owner = owner;
  held.lock = std::move(lock);
  arm(name, held, ttl);
  return true;
}

bool LocalLeases::renew(const std::string& name, const std::string& owner, Duration ttl) {
  drop_expired(name);
  const auto held = held_.find(name);
  if (held == held_.end() || held->second.owner != owner) return false;
  if (!held->second.lock->intact()) {
    free_lease(held);
    return false;
  }
  timers_.cancel(held->second.timer);
  arm(name, held->second, ttl);
  return true;
}

void LocalLeases::release(const std::string& name, const std::string& owner) {
  const auto held = held_.find(name);
  if (held != held_.end() && held->second.owner == owner) free_lease(held);
}

void LocalLeases::release_all() {
  while (!held_.empty()) free_lease(held_.begin());
}

bool LocalLeases::owns(const std::string& name, const std::string& owner) const {
  const auto held = held_.find(name);
  return held != held_.end() && held->second.owner == owner && now() < held->second.expires_at;
}

std::optional<BootTime> LocalLeases::expires_at(const std::string& name) const {
  const auto held = held_.find(name);
  if (held == held_.end()) return std::nullopt;
  return held->second.expires_at;
}

void LocalLeases::arm(const std::string& name, Held& held, Duration ttl) {
  held.expires_at = now() + ttl;
  held.timer = timers_.schedule(held.expires_at, [this, name, owner = held.owner] { release(name, owner); });
}

// The timer that frees an expired lease may be late, after a suspend for example.
void LocalLeases::drop_expired(const std::string& name) {
  const auto held = held_.find(name);
  if (held != held_.end() && now() >= held->second.expires_at) free_lease(held);
}

void LocalLeases::free_lease(std::map<std::string, Held>::iterator held) {
  timers_.cancel(held->second.timer);
  held_.erase(held);
}

}  // namespace jeton::agent
