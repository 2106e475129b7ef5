#include "agent/service/hardening.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

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

}  // namespace

void harden_process(bool core_dumps) {
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw errno_error("prctl(PR_SET_NO_NEW_PRIVS)");
  if (core_dumps) {
    empty_core_dumps();
  } else if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw errno_error("prctl(PR_SET_DUMPABLE)");
  }
}

}  // namespace jeton::agent
