#include "agent/process/write_protection.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace jeton::agent {
namespace {

#ifndef LANDLOCK_ACCESS_FS_REFER
constexpr std::uint64_t refer = std::uint64_t{1} << 13U;  // since version 2
#else
constexpr std::uint64_t refer = LANDLOCK_ACCESS_FS_REFER;
#endif
constexpr std::uint64_t truncate_file = std::uint64_t{1} << 14U;  // since version 3

constexpr std::uint64_t write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                       LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                       LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                       LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

std::uint64_t rights_of(int version) {
  return write_rights | (version >= 2 ? refer : 0) | (version >= 3 ? truncate_file : 0);
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

// The layout of an entry of getdents64(2): the wrappers of libraries would allocate memory.
constexpr std::size_t length_at = 16;
constexpr std::size_t type_at = 18;
constexpr std::size_t name_at = 19;

class Walk {
 public:
  Walk(int ruleset, std::uint64_t rights, const char* const* directories)
      : ruleset_(ruleset), rights_(rights), directories_(directories) {}

  // Allows everything in the directory at path_[0, length) except the paths to the forbidden directories. An entry that
  // cannot be read stays forbidden.
  void allow_beside(std::size_t length) {
    const int fd = ::open(length == 0 ? "/" : path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    alignas(8) char entries[4096];
    long size = 0;
    while ((size = ::syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
      for (long at = 0; at < size;) {
        const char* entry = entries + at;
        std::uint16_t step = 0;
        std::memcpy(&step, entry + length_at, sizeof step);
        allow(fd, length, entry + name_at, static_cast<unsigned char>(entry[type_at]));
        at += step;
      }
    }
    ::close(fd);
  }

 private:
  void allow(int directory, std::size_t length, const char* name, unsigned char type) {
    const std::string_view text(name);
    if (text == "." || text == ".." || length + 1 + text.size() >= sizeof path_) return;
    path_[length] = '/';
    std::memcpy(path_ + length + 1, name, text.size() + 1);
    const std::string_view path(path_, length + 1 + text.size());
    bool leads_there = false;
    for (const char* const* forbidden = directories_; *forbidden != nullptr; ++forbidden) {
      if (path == *forbidden) return;
      leads_there = leads_there || is_at_or_below(*forbidden, path);
    }
    if (leads_there) {
      allow_beside(path.size());
      path_[length] = '\0';  // for the directory that is being read
    } else {
      add_rule(directory, name, type);
    }
  }

  // A link is not followed: where it leads has a rule of its own, or none.
  void add_rule(int directory, const char* name, unsigned char type) const {
    if (type == DT_LNK) return;
    const int fd = ::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    if (type == DT_UNKNOWN) {
      struct stat found {};
      if (::fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) type = DT_DIR;
    }
    landlock_path_beneath_attr rule{};
    rule.allowed_access =
        type == DT_DIR ? rights_ : rights_ & (LANDLOCK_ACCESS_FS_WRITE_FILE | truncate_file);  // of a file
    rule.parent_fd = fd;
    static_cast<void>(::syscall(SYS_landlock_add_rule, ruleset_, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U));
    ::close(fd);
  }

  int ruleset_;
  std::uint64_t rights_;
  const char* const* directories_;
  char path_[PATH_MAX] = {};
};

}  // namespace

int landlock_version() noexcept {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

int forbid_writing_below(const char* const* directories) noexcept {
  const int version = landlock_version();
  if (version == 0 || directories == nullptr || *directories == nullptr) return 0;
  std::uint64_t rights = rights_of(version);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  // The first member only, which every version has.
  const auto ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0U));
  if (ruleset < 0) return errno;
  Walk(ruleset, rights, directories).allow_beside(0);
  const int error = ::syscall(SYS_landlock_restrict_self, ruleset, 0U) == 0 ? 0 : errno;
  ::close(ruleset);
  return error;
}

}  // namespace jeton::agent
