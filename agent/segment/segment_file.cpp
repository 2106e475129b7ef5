#include "agent/segment/segment_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/segment/reader_access.hpp"
#include "libclient/layout/access.hpp"
#include "libclient/layout/boot_clock.hpp"

namespace jeton::agent {
namespace {

// To open a file that is there, whatever it is.
constexpr int as_it_is = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

std::string temporary(const std::string& name) { return "." + name + ".tmp"; }

// Tokens belong into memory only; whether swap is acceptable when the limit is too low is the user's decision.
void lock_into_memory(void* address, std::size_t size, const std::string& token, const std::string& path,
                      Policy policy) {
  if (::mlock(address, size) == 0) return;
  const std::string why = std::generic_category().message(errno);
  if (policy == Policy::refuse) {
    throw Error(path + ": cannot be locked into memory: " + why +
                "; raise LimitMEMLOCK, or set agent.memory_lock to warn");
  }
  log::warning(log::memory_not_locked, "a segment cannot be locked into memory; it could be swapped out",
               {{"token", token}, {"segment", path}, {"error", why}});
}

// Refuses everything but a regular file of our user that no other user can have written.
std::string reason_to_refuse(const struct stat& file) {
  if (S_ISLNK(file.st_mode)) return "it is a symbolic link";
  if (!S_ISREG(file.st_mode)) return "it is not a regular file";
  if (file.st_uid != ::geteuid()) return "it belongs to user " + std::to_string(file.st_uid);
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "other users may write it";
  if (file.st_nlink != 1) return "it has other hard links";
  if (file.st_size < static_cast<off_t>(sizeof(layout::FileHeader))) return "it is too short";
  if (file.st_size > static_cast<off_t>(layout::geometry_for(layout::max_value_capacity).segment_size))
    return "it is too long";
  return {};
}

const char* text_of(layout::HeaderFault fault) {
  switch (fault) {
    case layout::HeaderFault::none:
      return "";
    case layout::HeaderFault::bad_magic:
      return "it is not a segment";
    case layout::HeaderFault::unsupported_version:
      return "it has another version of the layout";
    case layout::HeaderFault::truncated:
      return "its size is not the size in its header";
    case layout::HeaderFault::corrupt:
      break;
  }
  return "its header is inconsistent";
}

}  // namespace

SegmentFile::SegmentFile(RuntimeDir& directory, const std::string& name)
    : directory_(directory), name_(name), path_(directory.segment_path(name).string()) {}

void SegmentFile::Unmap::operator()(std::byte* base) const { ::munmap(base, size); }

// By descriptor: Boost's file_mapping would open the file again by its name, following links.
void SegmentFile::map(int fd, std::size_t size, Policy memory_lock) {
  struct stat mine = {};
  if (::fstat(fd, &mine) != 0) throw errno_error(path_);
  device_ = mine.st_dev;
  inode_ = mine.st_ino;
  void* const base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) throw errno_error(path_ + ": cannot be mapped");
  base_ = std::unique_ptr<std::byte, Unmap>(static_cast<std::byte*>(base), Unmap{size});
  // Before anything secret is in it.
  if (::madvise(base, size, MADV_DONTDUMP) != 0) throw errno_error(path_ + ": MADV_DONTDUMP");
  lock_into_memory(base, size, token_of(name_), path_, memory_lock);
}

std::unique_ptr<SegmentFile> SegmentFile::create(RuntimeDir& directory, const std::string& name, std::size_t capacity,
                                                 Policy memory_lock, WallTime now) {
  if (!layout::is_token_name(name)) throw Error("token '" + name + "': cannot be a file name");
  if (capacity == 0 || capacity > layout::max_value_capacity) {
    throw Error("token '" + name + "': capacity must be between 1 byte and " +
                std::to_string(layout::max_value_capacity / (1024 * 1024)) + " MiB");
  }
  discard_leftover(directory, name);
  const std::string file = temporary(name);
  const UniqueFd fd(
      ::openat(directory.segments_fd(), file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string path = directory.segment_path(name).string();
  if (!fd) throw errno_error(path + ": cannot be created");
  std::unique_ptr<SegmentFile> segment(new SegmentFile(directory, name));
  segment->has_taken_name_ = false;
  JETON_FAILPOINT("segment.create.opened");

  const layout::Geometry geometry = layout::geometry_for(static_cast<std::uint32_t>(capacity));
  try {
    // Allocated at once: a full tmpfs is an error here instead of a SIGBUS at some later publication.
    const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(geometry.segment_size));
    if (error != 0) {
      throw errno_error(path + ": no room for " + std::to_string(geometry.segment_size) + " bytes", error);
    }
    JETON_FAILPOINT("segment.create.allocated");
    segment->map(fd.get(), geometry.segment_size, memory_lock);
  } catch (...) {
    ::unlinkat(directory.segments_fd(), file.c_str(), 0);
    throw;
  }

  auto& header = *reinterpret_cast<layout::FileHeader*>(segment->base_.get());
  std::memcpy(header.magic, layout::magic, sizeof(header.magic));
  header.major_version = layout::major_version;
  header.minor_version = layout::minor_version;
  header.header_size = sizeof(layout::FileHeader);
  header.segment_size = geometry.segment_size;
  header.slots_offset = geometry.slots_offset;
  header.slot_stride = geometry.slot_stride;
  header.slot_header_size = geometry.slot_header_size;
  header.value_capacity = geometry.value_capacity;
  header.type_capacity = geometry.type_capacity;
  header.attributes_capacity = geometry.attributes_capacity;
  header.origin_capacity = geometry.origin_capacity;
  header.name_size = static_cast<std::uint32_t>(name.size());
  header.created_at_ms = to_unix_ms(now);
  std::memcpy(header.name, name.data(), name.size());
  const layout::BootClock clock = layout::own_boot_clock();
  std::memcpy(header.boot_id, clock.boot_id, sizeof(header.boot_id));
  header.time_namespace = clock.time_namespace;
  segment->geometry_ = geometry;
  segment->slots_ = SlotWriter(segment->base_.get(), geometry);
  JETON_FAILPOINT("segment.create.headed");
  return segment;
}

std::unique_ptr<SegmentFile> SegmentFile::open(RuntimeDir& directory, const std::string& name, Policy memory_lock,
                                               std::string& refused) {
  refused.clear();
  struct stat found = {};
  const int folder = directory.segments_fd();
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return nullptr;
    throw errno_error(directory.segment_path(name).string());
  }
  refused = reason_to_refuse(found);
  if (!refused.empty()) return nullptr;
  const UniqueFd fd(::openat(folder, name.c_str(), as_it_is));
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    refused = std::generic_category().message(errno);
    return nullptr;
  }
  refused = reason_to_refuse(found);
  if (!refused.empty()) return nullptr;

  std::unique_ptr<SegmentFile> segment(new SegmentFile(directory, name));
  const auto size = static_cast<std::size_t>(found.st_size);
  segment->map(fd.get(), size, memory_lock);
  layout::FileHeader header;
  std::memcpy(&header, segment->base_.get(), offsetof(layout::FileHeader, control));
  refused = text_of(layout::read_geometry(header, size, segment->geometry_));
  if (refused.empty() && layout::name_in(header) != SegmentFile::token_of(name))
    refused = "it is the segment of another token";
  if (!refused.empty()) return nullptr;
  segment->slots_ = SlotWriter(segment->base_.get(), segment->geometry_);
  return segment;
}

UniqueFd SegmentFile::open_again() const {
  const std::string file = has_taken_name_ ? name_ : temporary(name_);
  UniqueFd fd(::openat(directory_.segments_fd(), file.c_str(), as_it_is));
  struct stat opened = {};
  if (!fd || ::fstat(fd.get(), &opened) != 0) throw errno_error(path_);
  if (!is_mine(opened)) throw Error(path_ + ": another file has taken its place; restart the agent");
  return fd;
}

void SegmentFile::set_readers(const AccessConfig& access) { agent::set_readers(open_again().get(), path_, access); }

bool SegmentFile::gives_more_than(const AccessConfig& access) const {
  return agent::gives_more_than(open_again().get(), access);
}

void SegmentFile::take_name() {
  const int folder = directory_.segments_fd();
  const std::string file = temporary(name_);
  struct stat old = {};
  const bool taken = ::fstatat(folder, name_.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
  if (taken && S_ISDIR(old.st_mode)) throw Error(path_ + ": is a directory; remove it");

  // Exchanged rather than overwritten, so that the old file keeps a name until its readers have been notified.
  if (taken && ::renameat2(folder, file.c_str(), folder, name_.c_str(), RENAME_EXCHANGE) == 0) {
    has_taken_name_ = true;
    return;
  }

  // Nothing to exchange with, or a filesystem that cannot.
  std::string refused;
  const auto replaced = taken ? open(directory_, name_, Policy::warn, refused) : nullptr;
  if (::renameat(folder, file.c_str(), folder, name_.c_str()) != 0) {
    throw errno_error(path_ + ": cannot rename the new segment to it");
  }
  has_taken_name_ = true;
  if (replaced) replaced->slots().retire();
}

bool SegmentFile::has_our_boot_clock() const {
  layout::FileHeader header;
  std::memcpy(&header, base_.get(), offsetof(layout::FileHeader, control));
  return header.minor_version >= layout::first_minor_with_boot_times &&
         layout::is_same(layout::boot_clock_of(header), layout::own_boot_clock());
}

void SegmentFile::touch() {
  static_cast<void>(::utimensat(directory_.segments_fd(), name_.c_str(), nullptr, AT_SYMLINK_NOFOLLOW));
}

// The mapping keeps the inode, so its number is not given to another file.
bool SegmentFile::is_mine(const struct stat& file) const { return file.st_dev == device_ && file.st_ino == inode_; }

bool SegmentFile::has_name() const {
  struct stat named = {};
  return ::fstatat(directory_.segments_fd(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && is_mine(named);
}

void SegmentFile::remove_name() {
  if (has_name()) ::unlinkat(directory_.segments_fd(), name_.c_str(), 0);
}

bool SegmentFile::discard(RuntimeDir& directory, const std::string& file) {
  struct stat found = {};
  if (::fstatat(directory.segments_fd(), file.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return false;
  std::string refused;
  if (const auto old = open(directory, file, Policy::warn, refused)) old->slots().retire();
  JETON_FAILPOINT("segment.discard.retired");
  const int flags = S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0;
  if (::unlinkat(directory.segments_fd(), file.c_str(), flags) != 0) {
    throw errno_error(directory.segment_path(file).string() + ": cannot be removed");
  }
  return true;
}

bool SegmentFile::discard_leftover(RuntimeDir& directory, const std::string& name) {
  return discard(directory, temporary(name));
}

std::string SegmentFile::token_of(const std::string& file) {
  constexpr std::string_view suffix = ".tmp";
  if (!file.starts_with('.') || !file.ends_with(suffix) || file.size() <= 1 + suffix.size()) return file;
  return file.substr(1, file.size() - 1 - suffix.size());
}

}  // namespace jeton::agent
