// container_reader DIR: what an application in a container does with a runtime directory that is mounted
// read-only. Says each step on stdout; the first that fails ends it with a status of its own.
//
// At a "waiting ..." somebody outside has the agent refresh.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <jeton/client.hpp>
#include <string>

#include "libclient/layout/access.hpp"

namespace {

void say(const char* what) {
  std::puts(what);
  std::fflush(stdout);
}

// By hand and without a time: nobody but the agent's call to the kernel, from its own namespaces, ends this sleep.
bool sleeps_until_woken(const std::string& directory) {
  const int fd = ::open((directory + "/segments/api").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  void* base = ::mmap(nullptr, sizeof(jeton::layout::FileHeader), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (base == MAP_FAILED) return false;
  const auto& header = *static_cast<const jeton::layout::FileHeader*>(base);
  say("waiting for a wake-up");
  // 0 is a wake-up; what came before the sleep proves nothing, and is waited for again.
  for (;;) {
    const std::uint32_t seen = jeton::layout::load_acquire(header.wake);
    if (::syscall(SYS_futex, &header.wake, FUTEX_WAIT, seen, nullptr, nullptr, 0) == 0 &&
        jeton::layout::load_acquire(header.wake) != seen) {
      break;
    }
  }
  return true;
}

int look(const std::string& directory) {
  jeton::Options options;
  options.directory = directory;
  const jeton::Token token("api", options);
  jeton::Reader reader(token);
  auto current = reader.current();
  const auto copy = token.read();
  if (!current || !copy || copy->value.empty() || current->value() != copy->value) return 10;
  say("read");
  if (!sleeps_until_woken(directory)) return 11;
  say("woken");

  int events = -1;
  if (jeton_event_fd(token.handle(), &events) != JETON_OK) return 12;
  const jeton::Generation before = token.read()->info.generation();
  say("waiting for a token");
  const auto next = token.wait_change(before, std::chrono::seconds(60));
  if (!next || *next <= before) return 13;
  say("waited");
  pollfd readable = {events, POLLIN, 0};
  if (::poll(&readable, 1, 60'000) != 1 || jeton_event_clear(token.handle(), events) != JETON_OK) return 14;
  ::close(events);
  say("event");

  current = reader.current();
  if (!current || current->generation() < *next) return 15;
  const jeton::Generation refused = current->generation();
  std::uint64_t known = 0;
  const jeton_status reported = jeton_rejected(token.handle(), refused, &known);
  if (reported != JETON_OK) return 100 + reported;
  if (!token.wait_change(refused, std::chrono::seconds(60))) return 16;
  say("rejected");

  jeton_options where = JETON_OPTIONS_INIT;
  where.directory = directory.c_str();
  jeton_diagnosis diagnosis = JETON_DIAGNOSIS_INIT;
  if (jeton_diagnose(&where, "api", &diagnosis) != JETON_OK) return 17;
  if (diagnosis.token != JETON_OK || diagnosis.agent != JETON_OK) return 18;
  say("diagnosed");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // Nothing in here may be written: it is the reader's side only.
  if (::access((std::string(argv[1]) + "/segments").c_str(), W_OK) == 0) return 3;
  try {
    return look(argv[1]);
  } catch (const jeton::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 20;
  }
}
