#include "agent/segment/runtime_dir.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/sync/file_lock.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <cstdio>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/segment/segment_file.hpp"

namespace jeton::agent {
namespace {

namespace bip = boost::interprocess;
namespace fs = std::filesystem;

// Created with mode 0755, whatever the umask; an existing directory must be writable for our user only.
UniqueFd make_directory(const fs::path& path) {
  const bool made = ::mkdir(path.c_str(), 0755) == 0;
  if (!made && errno != EEXIST) {
    throw errno_error(path.string() + ": cannot be created; create it for the agent's user, or set agent.runtime_dir");
  }
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found = {};
  if (!fd || ::fstat(fd.get(), &found) != 0) throw errno_error(path.string());
  if (made && ::fchmod(fd.get(), 0755) != 0) throw errno_error(path.string());
  if (found.st_uid != ::geteuid()) {
    throw Error(path.string() + ": belongs to user " + std::to_string(found.st_uid) + ", but the agent runs as user " +
                std::to_string(::geteuid()) + "; remove it or change its owner");
  }
  if (!made && (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(path.string() + ": other users may write it, so clients refuse it; run: chmod go-w " + path.string());
  }
  return fd;
}

void require_memory(int fd, const fs::path& path, Policy policy) {
  struct statfs filesystem = {};
  if (::fstatfs(fd, &filesystem) != 0) throw errno_error(path.string());
  if (filesystem.f_type == TMPFS_MAGIC || filesystem.f_type == RAMFS_MAGIC) return;
  if (policy == Policy::refuse) {
    throw Error(path.string() +
                ": is not on a tmpfs, so tokens could reach a disk; put agent.runtime_dir below /run, or "
                "set agent.disk_backed to warn");
  }
  log::warning(log::runtime_dir_on_disk, "the runtime directory is not on a tmpfs: tokens may reach a disk",
               {{"directory", path.string()}});
}

}  // namespace

// The mutex is never destroyed, only forgotten with its mapping: a dead process may hold it.
class WriterMutex::Mapped {
 public:
  explicit Mapped(const std::filesystem::path& file) {
    const std::string fresh = file.string() + ".tmp";
    ::unlink(fresh.c_str());
    const int error = make_file(fresh);
    // A full tmpfs has no room for another file. That of the last agent, which is dead, has all that a mutex needs.
    if (error != 0 && !take_over(file, fresh)) throw errno_error(fresh, error);
    try {
      const bip::file_mapping mapping(fresh.c_str(), bip::read_write);
      region_ = bip::mapped_region(mapping, bip::read_write, 0, sizeof(bip::interprocess_mutex));
      mutex_ = new (region_.get_address()) bip::interprocess_mutex;
    } catch (const bip::interprocess_exception& e) {
      throw Error(fresh + ": " + e.what());
    }
    JETON_FAILPOINT("segment.mutex.made");
    if (::rename(fresh.c_str(), file.c_str()) != 0) throw errno_error(file.string());
  }

  bip::interprocess_mutex& mutex() { return *mutex_; }

 private:
  // Returns an errno, or 0. The room is allocated at once: a full tmpfs is an error here instead of a SIGBUS later.
  static int make_file(const std::string& fresh) {
    const UniqueFd fd(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return fd ? ::posix_fallocate(fd.get(), 0, sizeof(bip::interprocess_mutex)) : errno;
  }

  // Whether `fresh` is the file of an earlier mutex now, which no other user can open.
  static bool take_over(const fs::path& file, const std::string& fresh) {
    struct stat before = {};
    return ::lstat(file.c_str(), &before) == 0 && S_ISREG(before.st_mode) && before.st_uid == ::geteuid() &&
           (before.st_mode & 077) == 0 && before.st_nlink == 1 && before.st_blocks > 0 &&
           before.st_size >= static_cast<off_t>(sizeof(bip::interprocess_mutex)) &&
           ::rename(file.c_str(), fresh.c_str()) == 0;
  }

  bip::mapped_region region_;
  bip::interprocess_mutex* mutex_ = nullptr;
};

WriterMutex::WriterMutex(std::filesystem::path file)
    : file_(std::move(file)), mapped_(std::make_unique<Mapped>(file_)) {}
WriterMutex::~WriterMutex() = default;

void WriterMutex::lock() {
  const char* reason = "it was not released within a second";
  try {
    if (mapped_->mutex().try_lock()) return;  // as good as always: the writers of a directory are one process
    const auto deadline = boost::posix_time::microsec_clock::universal_time() + boost::posix_time::seconds(1);
    if (mapped_->mutex().timed_lock(deadline)) return;
  } catch (const bip::interprocess_exception&) {
    // Where mutexes are robust, Boost reports it at once, and never lets the mutex be used again.
    reason = "its owner died";
  }
  log::warning(log::runtime_dir_restored, "the writers' mutex is created again",
               {{"file", file_.string()}, {"reason", reason}});
  mapped_ = std::make_unique<Mapped>(file_);
  if (!mapped_->mutex().try_lock()) throw Error(file_.string() + ": a new mutex is locked already");
}

void WriterMutex::unlock() noexcept { mapped_->mutex().unlock(); }

class RuntimeDir::Lock {
 public:
  explicit Lock(const fs::path& file) : file_(file) {
    // Closed again before the lock is taken: closing any descriptor of the file gives a POSIX lock up.
    if (!UniqueFd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600))) {
      throw errno_error(file.string());
    }
    try {
      lock_ = bip::file_lock(file.c_str());
      if (lock_.try_lock() && note(file)) return;
    } catch (const bip::interprocess_exception& e) {
      throw Error(file.string() + ": " + e.what());
    }
    throw Error(file.string() + ": another agent is running here" + holder(file) +
                "; stop it, or give this one another agent.runtime_dir");
  }

  // Whether the name still leads to the file that is locked.
  [[nodiscard]] bool has_name() const {
    struct stat named = {};
    return ::lstat(file_.c_str(), &named) == 0 && named.st_dev == device_ && named.st_ino == inode_;
  }

 private:
  // By its name: only an agent replaces it, and this is the only one.
  bool note(const fs::path& file) {
    struct stat named = {};
    if (::lstat(file.c_str(), &named) != 0) throw errno_error(file.string());
    device_ = named.st_dev;
    inode_ = named.st_ino;
    return true;
  }

  static std::string holder(const fs::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct flock query = {};
    query.l_type = F_WRLCK;
    query.l_whence = SEEK_SET;
    if (!fd || ::fcntl(fd.get(), F_GETLK, &query) != 0 || query.l_type == F_UNLCK || query.l_pid <= 0) return {};
    return " (process " + std::to_string(query.l_pid) + ")";
  }

  const fs::path file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bip::file_lock lock_;  // gives the lock up when it dies
};

RuntimeDir::RuntimeDir(const fs::path& path, Policy disk_backed)
    : path_(fs::absolute(path)), disk_backed_(disk_backed) {
  take();
}

void RuntimeDir::take() {
  const UniqueFd top = make_directory(path_);
  if (!lock_ || !lock_->has_name()) {
    lock_.reset();  // before the next one: closing any descriptor of the file gives a lock on it up
    lock_ = std::make_unique<Lock>(path_ / "agent.lock");
  }
  JETON_FAILPOINT("segment.runtime_dir.locked");
  require_memory(top.get(), path_, disk_backed_);

  const fs::path segments = path_ / "segments";
  struct stat found = {};
  if (::lstat(segments.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
    throw Error(segments.string() + ": is a symbolic link, which clients refuse; remove it");
  }
  segments_ = make_directory(segments);
  mutex_ = std::make_unique<WriterMutex>(path_ / "writer.mutex");
}

bool RuntimeDir::in_place() const {
  struct stat named = {};
  struct stat mine = {};
  return lock_ && lock_->has_name() && ::lstat((path_ / "segments").c_str(), &named) == 0 &&
         ::fstat(segments_.get(), &mine) == 0 && named.st_dev == mine.st_dev && named.st_ino == mine.st_ino;
}

bool RuntimeDir::restore() {
  if (in_place()) return false;
  take();
  log::warning(log::runtime_dir_restored, "the runtime directory was removed; the agent created it again",
               {{"directory", path_.string()}});
  return true;
}

RuntimeDir::~RuntimeDir() = default;

void RuntimeDir::retire_others(const std::set<std::string>& keep) {
  std::vector<std::string> unwanted;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ / "segments")) {
    const std::string file = entry.path().filename().string();
    if (!keep.contains(SegmentFile::token_of(file))) unwanted.push_back(file);
  }
  const WriterMutex::Guard guard(*mutex_);
  for (const std::string& file : unwanted) {
    try {
      SegmentFile::discard(*this, file);
      log::info("removed a file that is not the segment of a configured token",
                {{"file", segment_path(file).string()}});
    } catch (const Error& e) {
      log::warning(log::segment_failed, "cannot remove a file that is not the segment of a configured token",
                   {{"error", e.what()}});
    }
  }
}

}  // namespace jeton::agent
