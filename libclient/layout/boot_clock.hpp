// BootClock: identifies the CLOCK_BOOTTIME of a process: it restarts with the kernel, and a time namespace may shift
// it. The agent writes its own identity into a segment; a reader with another one uses only the wall clock.
//
// Boot id and time namespace come from /proc. If /proc lacks one (a chroot, ProcSubset=pid), that part is not known and
// counts as the same: a segment in memory does not outlive its boot.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "libclient/layout/segment.hpp"

namespace jeton::layout {

struct BootClock {
  std::uint8_t boot_id[sizeof(FileHeader::boot_id)] = {};
  std::uint64_t time_namespace = 0;
};

namespace detail {

// A UUID's hexadecimal digits, without its dashes. False if there are not 32 of them.
[[nodiscard]] inline bool parse_boot_id(const char* text, std::size_t size, std::uint8_t* id) {
  std::size_t digits = 0;
  for (std::size_t i = 0; i < size && digits < 2 * sizeof(FileHeader::boot_id); ++i) {
    const char c = text[i];
    const bool decimal = c >= '0' && c <= '9';
    if (!decimal && (c < 'a' || c > 'f')) continue;
    const auto value = static_cast<unsigned>(decimal ? c - '0' : c - 'a' + 10);
    id[digits / 2] = static_cast<std::uint8_t>(unsigned{id[digits / 2]} << 4U | value);
    ++digits;
  }
  return digits == 2 * sizeof(FileHeader::boot_id);
}

}  // namespace detail

// The boot clock of the calling process, for which it never changes. Does not change errno.
[[nodiscard]] inline BootClock own_boot_clock() {
  const int error = errno;
  BootClock clock;
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    char text[40];
    const ssize_t size = ::read(fd, text, sizeof(text));
    ::close(fd);
    if (size < 0 || !detail::parse_boot_id(text, static_cast<std::size_t>(size), clock.boot_id)) {
      std::memset(clock.boot_id, 0, sizeof(clock.boot_id));
    }
  }
  struct stat ns = {};
  if (::stat("/proc/self/ns/time", &ns) == 0) clock.time_namespace = ns.st_ino;
  errno = error;
  return clock;
}

[[nodiscard]] inline BootClock boot_clock_of(const FileHeader& header) {
  BootClock clock;
  std::memcpy(clock.boot_id, header.boot_id, sizeof(clock.boot_id));
  clock.time_namespace = header.time_namespace;
  return clock;
}

// Whether a time by one clock is the same moment by the other, as far as is known.
[[nodiscard]] inline bool is_same(const BootClock& a, const BootClock& b) {
  constexpr std::uint8_t unknown[sizeof(a.boot_id)] = {};
  const auto known = [&](const BootClock& clock) { return std::memcmp(clock.boot_id, unknown, sizeof(unknown)) != 0; };
  if (known(a) && known(b) && std::memcmp(a.boot_id, b.boot_id, sizeof(a.boot_id)) != 0) return false;
  return a.time_namespace == 0 || b.time_namespace == 0 || a.time_namespace == b.time_namespace;
}

}  // namespace jeton::layout
