// FileState: what changes when a file is replaced or written; of one that is missing, only why. A value; any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <utility>

namespace jeton::agent {

struct FileState {
  // Links are followed. It does not return on a file system that does not answer.
  explicit FileState(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      error = errno;
      return;
    }
    device = status.st_dev;
    inode = status.st_ino;
    size = status.st_size;
    written = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    changed = {status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  }
  bool operator==(const FileState&) const = default;

  int error = 0;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::pair<std::time_t, long> written;
  std::pair<std::time_t, long> changed;
};

}  // namespace jeton::agent
