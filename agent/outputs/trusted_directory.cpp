#include "agent/outputs/trusted_directory.hpp"

#include <acl/libacl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "agent/base/access_list.hpp"
#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr int just_look = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// The users that may write, as far as it matters.
struct Writers {
  bool group = false;  // its own group, which is neither root's nor the agent's
  bool entry = false;  // a user or a group of the access list
  bool everyone = false;
};

// A list without entries besides those of the mode is made of the mode. By the link of the kernel, because a
// descriptor of O_PATH gives no attributes.
AccessList access_list_of(int fd, const std::string& path, mode_t mode) {
  AccessList list(::acl_get_file(("/proc/self/fd/" + std::to_string(fd)).c_str(), ACL_TYPE_ACCESS));
  if (!list && errno == EOPNOTSUPP) list.reset(::acl_from_mode(mode));
  if (!list) throw errno_error(path + ": its access list cannot be read");
  return list;
}

bool is_trusted_group(gid_t group) { return group == 0 || group == ::getegid(); }

Writers writers_of(const AccessList& list, gid_t group, std::optional<uid_t> owner) {
  bool masked = false;
  for_each_entry(list,
                 [&](acl_entry_t entry, acl_tag_t tag) { masked |= tag == ACL_MASK && !has_right(entry, ACL_WRITE); });
  Writers writers;
  for_each_entry(list, [&](acl_entry_t entry, acl_tag_t tag) {
    if (!has_right(entry, ACL_WRITE)) return;
    writers.everyone |= tag == ACL_OTHER;
    if (masked) return;
    writers.group |= tag == ACL_GROUP_OBJ && !is_trusted_group(group);
    writers.entry |= tag == ACL_USER && !is_trusted(qualifier_of(entry), owner);
    writers.entry |= tag == ACL_GROUP && !is_trusted_group(qualifier_of(entry));
  });
  return writers;
}

[[noreturn]] void refuse_step(int above, const std::filesystem::path& name, const std::string& path, int error,
                              const char* if_missing) {
  struct stat found {};
  const bool is_there = ::fstatat(above, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && S_ISLNK(found.st_mode)) {
    throw Error(path + " is a symbolic link, and none is followed here; write the path that it leads to");
  }
  throw errno_error(path, error, error == ENOENT ? if_missing : "");
}

struct stat status_of(int fd, const std::string& path) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) throw errno_error(path);
  return found;
}

// There nobody replaces another's file, but all make their own.
void check_step(int fd, const std::string& path, std::optional<uid_t> owner) {
  const struct stat found = status_of(fd, path);
  if (!is_trusted(found.st_uid, owner)) {
    throw Error(path + " belongs to another user, who could lead the file elsewhere; give it to the agent's user or " +
                "to root");
  }
  if ((found.st_mode & S_ISVTX) == 0) refuse_writers(fd, path, owner);
}

}  // namespace

bool is_trusted(uid_t user, std::optional<uid_t> owner) { return user == 0 || user == ::geteuid() || user == owner; }

void refuse_writers(int fd, const std::string& path, std::optional<uid_t> owner) {
  const struct stat found = status_of(fd, path);
  const Writers writers = writers_of(access_list_of(fd, path, found.st_mode), found.st_gid, owner);
  if (!writers.group && !writers.entry && !writers.everyone) return;
  const std::string what = path + " can be written by other users, who could lead the file elsewhere; ";
  if (writers.entry) throw Error(what + "getfacl " + path + " shows them: take that right from them with setfacl");
  throw Error(what + "run chmod go-w on it" + (writers.everyone ? "" : ", or give it the agent's own group"));
}

UniqueFd open_trusted_directory(const std::filesystem::path& directory, std::optional<uid_t> owner,
                                const char* if_missing) {
  UniqueFd at(::open("/", just_look));
  if (!at) throw errno_error("/");
  check_step(at.get(), "/", owner);
  std::filesystem::path path = "/";
  for (const std::filesystem::path& name : directory.relative_path()) {
    path /= name;
    UniqueFd next(::openat(at.get(), name.c_str(), just_look));
    if (!next) refuse_step(at.get(), name, path.string(), errno, if_missing);
    check_step(next.get(), path.string(), owner);
    at = std::move(next);
  }
  UniqueFd opened(::openat(at.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) throw errno_error(path.string());
  return opened;
}

}  // namespace jeton::agent
