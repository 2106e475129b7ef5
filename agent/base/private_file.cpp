#include "agent/base/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {
namespace {

void sync(int fd, const std::filesystem::path& file) {
  if (::fsync(fd) != 0) throw errno_error(file.string());
}

// A rename is on the disk when its directory is.
void sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw errno_error(directory.string());
  sync(fd.get(), directory);
}

}  // namespace

void make_private_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) throw errno_error(directory.string());
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) throw errno_error(directory.string());
  if (!S_ISDIR(status.st_mode)) throw Error(directory.string() + ": not a directory; remove it");
  if (status.st_uid != ::geteuid()) throw Error(directory.string() + ": belongs to another user; remove it");
  if ((status.st_mode & 0777) != 0700 && ::chmod(directory.c_str(), 0700) != 0) throw errno_error(directory.string());
}

std::optional<SecretString> read_private_file(const std::filesystem::path& file, std::size_t limit) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw errno_error(file.string());
  if (!S_ISREG(status.st_mode)) throw Error(file.string() + ": not a regular file; remove it");
  SecretString text;
  if (!read_to_end(fd.get(), limit, text)) throw errno_error(file.string());
  return text;
}

void replace_private_file(const std::filesystem::path& file, const SecretString& text, Durability durability) {
  const std::filesystem::path fresh = file.string() + ".new";
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);  // left by a crash
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw errno_error(fresh.string());
  write_all(fd.get(), text.reveal(), fresh.string());
  if (durability == Durability::disk) sync(fd.get(), fresh);
  JETON_FAILPOINT("private_file.written");
  if (::rename(fresh.c_str(), file.c_str()) != 0) throw errno_error(file.string());
  JETON_FAILPOINT("private_file.renamed");
  if (durability == Durability::disk) sync_directory(file.parent_path());
}

}  // namespace jeton::agent
