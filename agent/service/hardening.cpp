#include "agent/service/hardening.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

// Only ELF headers of mapped files (bit 4). Written before PR_SET_DUMPABLE, which hands /proc/self to root.
void empty_core_dumps() {
  std::ofstream filter("/proc/self/coredump_filter");
  filter << "0x10" << std::flush;
  if (!filter) throw Error("cannot write /proc/self/coredump_filter; set agent.core_dumps: false");
}

void reset_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t children;
  ::sigemptyset(&children);
  ::sigaddset(&children, SIGCHLD);
  ::pthread_sigmask(SIG_UNBLOCK, &children, nullptr);
}

rlimit descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw errno_error("getrlimit(RLIMIT_NOFILE)");
  return limit;
}

}  // namespace

void harden_process(bool core_dumps) {
  ::umask(077);
  reset_signals();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw errno_error("prctl(PR_SET_NO_NEW_PRIVS)");
  if (core_dumps) {
    empty_core_dumps();
  } else if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw errno_error("prctl(PR_SET_DUMPABLE)");
  }
}

void fill_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest number that is free. What a command prints there is lost, and must not look as if it were not.
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR));
  }
}

void allow_many_descriptors() {
  rlimit limit = descriptors();
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65'536));
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw errno_error("setrlimit(RLIMIT_NOFILE)");
}

std::size_t allowed_descriptors() { return descriptors().rlim_cur; }

}  // namespace jeton::agent
