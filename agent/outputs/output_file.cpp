#include "agent/outputs/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "agent/base/accounts.hpp"
#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/private_file.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/outputs/trusted_directory.hpp"

namespace jeton::agent {
namespace {

// The access of the configuration, with the ids of this moment.
struct Target {
  std::string path;
  std::string name;      // in its directory
  std::string new_name;  // of the file that takes its place
  mode_t mode = 0;
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
  UniqueFd directory;
};

Target find_target(const OutputConfig& output) {
  Target target;
  target.path = output.path.string();
  target.name = output.path.filename().string();
  target.new_name = "." + target.name + ".jeton-new";
  target.mode = output.mode;
  if (!output.owner.empty()) {
    target.owner = find_user(output.owner);
    if (!target.owner) throw Error(target.path + ": there is no user " + output.owner + " on this host any more");
  }
  if (!output.group.empty()) {
    target.group = find_group(output.group);
    if (!target.group) throw Error(target.path + ": there is no group " + output.group + " on this host any more");
  }
  const std::filesystem::path directory = output.path.parent_path();
  target.directory = open_trusted_directory(
      directory, target.owner,
      "; create it for the agent's user (tmpfiles.d, or RuntimeDirectory= in a drop-in of the unit)");
  refuse_writers(target.directory.get(), directory.string(), target.owner);
  return target;
}

// Nothing if there is none.
std::optional<struct stat> present_file(const Target& target) {
  struct stat found {};
  if (::fstatat(target.directory.get(), target.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw errno_error(target.path);
  }
  if (S_ISLNK(found.st_mode)) throw Error(target.path + " is a symbolic link, which is not written to; remove it");
  if (!S_ISREG(found.st_mode)) throw Error(target.path + " is not a regular file; remove it");
  if (!is_trusted(found.st_uid, target.owner)) {
    throw Error(target.path +
                " belongs to another user; remove it, or choose a directory where no other user can make it");
  }
  return found;
}

gid_t group_of_new_files(const Target& target) {
  struct stat directory {};
  const bool hands_on_its_own = ::fstat(target.directory.get(), &directory) == 0 && (directory.st_mode & S_ISGID) != 0;
  return hands_on_its_own ? directory.st_gid : ::getegid();
}

bool is_as_wanted(const Target& target, const struct stat& found, const SecretString& text) {
  if ((found.st_mode & 07777) != target.mode || found.st_uid != target.owner.value_or(::geteuid())) return false;
  if (found.st_gid != (target.group ? *target.group : group_of_new_files(target))) return false;
  const UniqueFd fd(
      ::openat(target.directory.get(), target.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  SecretString present;
  return fd && read_to_end(fd.get(), text.size(), present) && present == text;
}

// The new file, removed again unless it is moved into its place.
class NewFile {
 public:
  explicit NewFile(const Target& target) : target_(target) {
    ::unlinkat(target.directory.get(), target.new_name.c_str(), 0);  // left by a crash
    fd_.reset(::openat(target.directory.get(), target.new_name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd_) {
      const int error = errno;
      throw errno_error(
          target.path + ": cannot make a file in its directory", error,
          error == EACCES || error == EROFS
              ? "; the agent's user needs the right to write there, and the unit ReadWritePaths= in a drop-in"
              : "");
    }
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!moved_) ::unlinkat(target_.directory.get(), target_.new_name.c_str(), 0);
  }

  void fill(const SecretString& text) const { write_all(fd_.get(), text.reveal(), target_.path); }

  // The mode comes last, so that no user can read it before it has its owner and group.
  void give() const {
    const bool to_another = target_.owner && *target_.owner != ::geteuid();
    if (to_another && ::fchown(fd_.get(), *target_.owner, static_cast<gid_t>(-1)) != 0) {
      throw errno_error(target_.path + ": cannot give the file to its owner", errno,
                        "; only root may: leave owner out, and set a group of which the agent's user and the reader "
                        "are members");
    }
    if (target_.group && ::fchown(fd_.get(), static_cast<uid_t>(-1), *target_.group) != 0) {
      throw errno_error(target_.path + ": cannot give the file to its group", errno,
                        "; the agent's user must be a member of it: SupplementaryGroups= and SystemCallFilter=@chown "
                        "in a drop-in of the unit");
    }
    if (::fchmod(fd_.get(), target_.mode) != 0) throw errno_error(target_.path + ": mode");
  }

  void sync() const {
    if (::fsync(fd_.get()) != 0) throw errno_error(target_.path + ": cannot reach the disk");
  }

  void move_into_place() {
    const int directory = target_.directory.get();
    if (::renameat(directory, target_.new_name.c_str(), directory, target_.name.c_str()) != 0) {
      throw errno_error(target_.path + ": cannot be replaced");
    }
    moved_ = true;
  }

 private:
  const Target& target_;
  UniqueFd fd_;
  bool moved_ = false;
};

// A change of a directory is on the disk when the directory is.
void sync_entries(const Target& target) {
  if (::fsync(target.directory.get()) != 0) throw errno_error(target.path + ": its directory cannot reach the disk");
}

void set_mark(const HookMark& mark) {
  if (mark.empty()) return;
  make_private_directory(mark.parent_path());
  const UniqueFd fd(::open(mark.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) throw errno_error(mark.string() + ": cannot note that on_change is due");
}

}  // namespace

bool write_output(const OutputConfig& output, const SecretString& text, const HookMark& mark) {
  const Target target = find_target(output);
  const auto found = present_file(target);
  if (found && is_as_wanted(target, *found, text)) return false;
  NewFile file(target);
  JETON_FAILPOINT("output.created");
  file.fill(text);
  JETON_FAILPOINT("output.filled");
  file.give();
  file.sync();
  JETON_FAILPOINT("output.synced");
  set_mark(mark);
  JETON_FAILPOINT("output.marked");
  file.move_into_place();
  JETON_FAILPOINT("output.moved");
  sync_entries(target);
  return true;
}

bool remove_output(const OutputConfig& output, const HookMark& mark) {
  const Target target = find_target(output);
  ::unlinkat(target.directory.get(), target.new_name.c_str(), 0);  // left by a crash
  if (!present_file(target)) return false;
  set_mark(mark);
  if (::unlinkat(target.directory.get(), target.name.c_str(), 0) != 0 && errno != ENOENT) {
    throw errno_error(target.path + ": cannot be removed");
  }
  sync_entries(target);
  return true;
}

}  // namespace jeton::agent
