#include "agent/outputs/trusted_path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr int just_look = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void refuse_step(int above, const std::filesystem::path& name, const std::string& path, int error) {
  struct stat found {};
  const bool is_there = ::fstatat(above, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && S_ISLNK(found.st_mode)) {
    throw Error(path + " is a symbolic link, and the way to an output has none; write the path that it leads to");
  }
  if (error == ENOENT) {
    throw Error(path + ": No such file or directory; create it for the agent's user (tmpfiles.d, or " +
                "RuntimeDirectory= in a drop-in of the unit)");
  }
  throw errno_error(path, error);
}

void check_directory(int fd, const std::string& path, std::optional<uid_t> owner) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) throw errno_error(path);
  if (!is_trusted(found.st_uid, owner)) {
    throw Error(path + " belongs to another user, who could lead the file elsewhere; give it to the agent's user or " +
                "to root");
  }
  if ((found.st_mode & S_ISVTX) != 0) return;  // nobody replaces what is another's
  const bool group_is_trusted = found.st_gid == 0 || found.st_gid == ::getegid();
  if ((found.st_mode & S_IWOTH) == 0 && ((found.st_mode & S_IWGRP) == 0 || group_is_trusted)) return;
  throw Error(path + " can be written by other users, who could lead the file elsewhere; run chmod go-w on it" +
              ((found.st_mode & S_IWOTH) == 0 ? ", or give it the agent's own group" : ""));
}

}  // namespace

bool is_trusted(uid_t user, std::optional<uid_t> owner) { return user == 0 || user == ::geteuid() || user == owner; }

UniqueFd open_trusted_directory(const std::filesystem::path& directory, std::optional<uid_t> owner) {
  UniqueFd at(::open("/", just_look));
  if (!at) throw errno_error("/");
  check_directory(at.get(), "/", owner);
  std::filesystem::path path = "/";
  for (const std::filesystem::path& name : directory.relative_path()) {
    path /= name;
    UniqueFd next(::openat(at.get(), name.c_str(), just_look));
    if (!next) refuse_step(at.get(), name, path.string(), errno);
    check_directory(next.get(), path.string(), owner);
    at = std::move(next);
  }
  UniqueFd opened(::openat(at.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) throw errno_error(path.string());
  return opened;
}

}  // namespace jeton::agent
