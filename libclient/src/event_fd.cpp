// jeton_event_fd: an inotify descriptor on the segment. A store to mapped memory is no event for the kernel, so the
// agent touches the file's times behind each change (agent/segment/segment_file.cpp); a file that takes the place of
// another, or appears, is seen in its directory. Works on a read-only mount and in another namespace, because it
// watches the inode.
//
// A user has few inotify instances (fs.inotify.max_user_instances, 128), all programs together. If none is left, the
// descriptor is a timer that makes the application check the token ten times a second.
#include <jeton/jeton.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "libclient/src/descriptor.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

constexpr long look_every_ns = 100'000'000;
constexpr std::uint32_t file_events = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW;
constexpr std::uint32_t directory_events = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;

bool watch(int fd, const char* path, std::uint32_t events) { return ::inotify_add_watch(fd, path, events) >= 0; }

// -1: not even that.
int make_timer() {
  Descriptor timer = above_standard(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  itimerspec time = {};
  time.it_value.tv_nsec = time.it_interval.tv_nsec = look_every_ns;
  if (timer.get() < 0 || ::timerfd_settime(timer.get(), 0, &time, nullptr) != 0) return -1;
  return timer.release();
}

bool is_timer(int fd) {
  const int error = errno;
  itimerspec time = {};
  const bool found = ::timerfd_gettime(fd, &time) == 0;
  errno = error;
  return found;
}

// Watches the file, and the directory in which another file may take its place; for a missing one, the directory where
// it would appear. Watching the same thing again changes nothing.
jeton_status watch_token(const jeton_token& token, int fd) {
  char path[PATH_MAX];
  const auto join = [&](const char* folder, const char* name) {
    const int length = std::snprintf(path, sizeof(path), "%s%s%s", token.directory, folder, name);
    return length > 0 && static_cast<std::size_t>(length) < sizeof(path);
  };
  if (!join("/segments/", token.name)) {
    errno = ENAMETOOLONG;
    return JETON_SYSTEM_ERROR;
  }
  if (!watch(fd, path, file_events) && errno != ENOENT && errno != ENOTDIR) {
    return errno == EACCES ? JETON_NO_PERMISSION : JETON_SYSTEM_ERROR;
  }
  static_cast<void>(join("/segments", ""));
  if (watch(fd, path, directory_events)) return JETON_OK;
  // Goes upwards to a directory that exists: the runtime directory, or the one where it would be made.
  static_cast<void>(join("", ""));
  for (;;) {
    if (watch(fd, path, directory_events)) return JETON_OK;
    if (errno != ENOENT && errno != ENOTDIR) return errno == EACCES ? JETON_NO_PERMISSION : JETON_SYSTEM_ERROR;
    char* slash = std::strrchr(path, '/');
    if (slash == nullptr || (slash == path && path[1] == '\0')) return JETON_SYSTEM_ERROR;
    slash[slash == path ? 1 : 0] = '\0';
  }
}

// Twice: a file that the first round did not find may have appeared before its directory was watched.
jeton_status watch_twice(const jeton_token& token, int fd) {
  const jeton_status status = watch_token(token, fd);
  return status == JETON_OK ? watch_token(token, fd) : status;
}

}  // namespace
}  // namespace jeton::client

extern "C" jeton_status jeton_event_fd(jeton_token* token, int* fd) {
  if (token == nullptr || fd == nullptr) return JETON_INVALID_ARGUMENT;
  jeton::client::Descriptor made = jeton::client::above_standard(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  jeton_status status = made.get() < 0 ? JETON_SYSTEM_ERROR : jeton::client::watch_twice(*token, made.get());
  // ENOSPC: no watch is left (fs.inotify.max_user_watches).
  if (status == JETON_SYSTEM_ERROR && (made.get() < 0 || errno == ENOSPC)) {
    made = jeton::client::Descriptor(jeton::client::make_timer());
    if (made.get() >= 0) status = JETON_OK;
  }
  if (status == JETON_OK) *fd = made.release();
  return status;
}

extern "C" jeton_status jeton_event_clear(jeton_token* token, int fd) {
  if (token == nullptr || fd < 0) return JETON_INVALID_ARGUMENT;
  alignas(inotify_event) char events[4096];
  ssize_t size = 0;
  do {
    size = ::read(fd, events, sizeof(events));
  } while (size > 0 || (size < 0 && errno == EINTR));
  if (size < 0 && errno != EAGAIN) return JETON_SYSTEM_ERROR;
  return jeton::client::is_timer(fd) ? JETON_OK : jeton::client::watch_twice(*token, fd);
}
