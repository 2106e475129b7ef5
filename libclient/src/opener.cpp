#include "libclient/src/opener.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "libclient/layout/boot_clock.hpp"
#include "libclient/src/descriptor.hpp"

namespace jeton::client {
namespace {

jeton_status status_of_errno() {
  switch (errno) {
    case ENOENT:
      return JETON_NOT_FOUND;
    case EACCES:
    case EPERM:
      return JETON_NO_PERMISSION;
    case ELOOP:
      return JETON_SYMLINK;
    case ENOTDIR:
    case ENXIO:  // a socket
      return JETON_NOT_REGULAR;
    default:
      return JETON_SYSTEM_ERROR;
  }
}

bool others_can_write(const struct stat& file) { return (file.st_mode & (S_IWGRP | S_IWOTH)) != 0; }

// O_PATH needs no read permission and triggers nothing; with it O_NOFOLLOW opens the link itself.
jeton_status check_directory(int fd, struct stat& found) {
  if (fd < 0 || ::fstat(fd, &found) != 0) return status_of_errno();
  if (S_ISLNK(found.st_mode)) return JETON_SYMLINK;
  if (!S_ISDIR(found.st_mode)) return JETON_NOT_REGULAR;
  if (others_can_write(found)) return JETON_WRITABLE_DIRECTORY;
  return JETON_OK;
}

jeton_status check_file(const struct stat& file, uid_t owner) {
  if (S_ISLNK(file.st_mode)) return JETON_SYMLINK;
  if (!S_ISREG(file.st_mode)) return JETON_NOT_REGULAR;
  if (file.st_uid != owner) return JETON_FOREIGN_OWNER;
  if (others_can_write(file)) return JETON_WRITABLE_FILE;
  if (file.st_size < static_cast<off_t>(sizeof(layout::FileHeader))) return JETON_TRUNCATED;
  return JETON_OK;
}

jeton_status status_of_fault(layout::HeaderFault fault) {
  switch (fault) {
    case layout::HeaderFault::none:
      return JETON_OK;
    case layout::HeaderFault::bad_magic:
      return JETON_BAD_MAGIC;
    case layout::HeaderFault::unsupported_version:
      return JETON_UNSUPPORTED_VERSION;
    case layout::HeaderFault::truncated:
      return JETON_TRUNCATED;
    case layout::HeaderFault::corrupt:
      break;
  }
  return JETON_CORRUPT;
}

// With 32 bits, fstat fails on the large inode numbers of a tmpfs (CMakeLists.txt defines _FILE_OFFSET_BITS).
static_assert(sizeof(off_t) == 8 && sizeof(ino_t) == 8);

jeton_status map(int fd, const struct stat& file, const char* name, Mapping** out) {
  const auto size = static_cast<std::size_t>(file.st_size);
  if (static_cast<std::uint64_t>(file.st_size) != size) return JETON_TRUNCATED;  // more than 32 bits can address
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (base == MAP_FAILED) return status_of_errno();
  // Readers' core dumps are not the agent's to protect otherwise. Advice may be refused; the mapping still works.
  static_cast<void>(::madvise(base, size, MADV_DONTDUMP));

  layout::FileHeader header;
  std::memcpy(&header, base, offsetof(layout::FileHeader, control));  // the part that never changes
  layout::Geometry geometry;
  jeton_status status = status_of_fault(layout::read_geometry(header, size, geometry));
  if (status == JETON_OK && layout::name_in(header) != name) status = JETON_CORRUPT;
  void* memory = status == JETON_OK ? std::malloc(sizeof(Mapping)) : nullptr;
  if (status == JETON_OK && memory == nullptr) {
    errno = ENOMEM;
    status = JETON_SYSTEM_ERROR;
  }
  if (status != JETON_OK) {
    ::munmap(base, size);
    return status;
  }
  auto* mapping = new (memory) Mapping;
  mapping->base = static_cast<const std::byte*>(base);
  mapping->geometry = geometry;
  mapping->has_our_boot_clock = header.minor_version >= layout::first_minor_with_boot_times &&
                                layout::is_same(layout::boot_clock_of(header), layout::own_boot_clock());
  mapping->find_slots();
  mapping->device = file.st_dev;
  mapping->inode = file.st_ino;
  *out = mapping;
  return JETON_OK;
}

}  // namespace

jeton_status open_mapping(const char* directory, const char* name, Mapping** mapping) noexcept {
  struct stat top = {};
  const Descriptor top_fd(::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  jeton_status status = check_directory(top_fd.get(), top);
  if (status != JETON_OK) return status;

  struct stat folder = {};
  const Descriptor folder_fd(::openat(top_fd.get(), "segments", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  status = check_directory(folder_fd.get(), folder);
  if (status != JETON_OK) return status;
  if (top.st_uid != folder.st_uid && top.st_uid != 0) return JETON_FOREIGN_OWNER;

  // Looked at before it is opened, because opening a device or a FIFO can do things; and after, because only then is
  // the type of the opened file certain.
  struct stat file = {};
  if (::fstatat(folder_fd.get(), name, &file, AT_SYMLINK_NOFOLLOW) != 0) return status_of_errno();
  status = check_file(file, folder.st_uid);
  if (status != JETON_OK) return status;
  const Descriptor fd(::openat(folder_fd.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd.get() < 0 || ::fstat(fd.get(), &file) != 0) return status_of_errno();
  status = check_file(file, folder.st_uid);
  if (status != JETON_OK) return status;
  return map(fd.get(), file, name, mapping);
}

void destroy(Mapping* mapping) noexcept {
  if (mapping == nullptr) return;
  ::munmap(const_cast<std::byte*>(mapping->base), static_cast<std::size_t>(mapping->geometry.segment_size));
  mapping->~Mapping();
  std::free(mapping);
}

bool is_replaced(const char* directory, const char* name, const Mapping& mapping) noexcept {
  const Descriptor top(::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) return false;
  const Descriptor folder(::openat(top.get(), "segments", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return false;
  struct stat file = {};
  return ::fstatat(folder.get(), name, &file, AT_SYMLINK_NOFOLLOW) == 0 && !mapping.is_file(file);
}

// A set-user-ID program must not be led astray by its caller's environment: secure_getenv.
const char* chosen_directory(const jeton_options& options) noexcept {
  if (options.directory != nullptr && options.directory[0] != '\0') return options.directory;
  const char* from_environment = ::secure_getenv("JETON_DIR");
  if (from_environment != nullptr && from_environment[0] != '\0') return from_environment;
  return "/run/jeton";
}

char* absolute_directory(const char* directory) noexcept {
  if (directory[0] == '/') return ::strdup(directory);
  char* here = ::getcwd(nullptr, 0);
  if (here == nullptr) return nullptr;
  char* joined = nullptr;
  if (::asprintf(&joined, "%s/%s", here, directory) < 0) joined = nullptr;
  std::free(here);
  return joined;
}

}  // namespace jeton::client
