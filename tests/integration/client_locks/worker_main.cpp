// An application that takes locks, as a process of its own.
//
//   worker DIR NAME TTL_MS hold            takes it, prints "held FENCE", holds it until it is killed; "lost" at its
//   loss worker DIR NAME TTL_MS wait            prints "waiting", waits for it, prints "held FENCE", gives it back
//   worker DIR NAME TTL_MS count FILE N    N times: takes it, raises the number in FILE by reading and writing it
//   worker DIR NAME TTL_MS fork            as hold, with a child that outlives it: prints "child PID" before "held
//   FENCE"
// SIGTERM ends a wait and a hold in order. Exit status 0: all went well, 3: cancelled, 4: lost.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <jeton/client.hpp>
#include <string>

namespace {

jeton::Cancel* ended = nullptr;
volatile sig_atomic_t wants_end = 0;

void on_term(int) {
  wants_end = 1;
  ended->now();
}

// On a machine that is slow enough nobody confirms in time, which is no loss.
int give_back(jeton::Lock& lock) { return lock.unlock() == JETON_LOCK_LOST ? 4 : 0; }

int hold(jeton::Lock& lock) {
  std::cout << "held " << lock.fence() << std::endl;
  pollfd news{lock.event_fd(), POLLIN, 0};
  while (!lock.lost() && wants_end == 0) ::poll(&news, 1, 100);
  if (wants_end != 0) return give_back(lock);
  std::cout << "lost " << lock.reason() << std::endl;
  return 4;
}

int count(jeton::Lock& lock, const char* file, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    lock.lock();
    int number = 0;
    std::ifstream(file) >> number;
    ::usleep(200);
    std::ofstream(file) << number + 1 << '\n';
    if (lock.unlock() == JETON_LOCK_LOST) return 4;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  try {
    jeton::Cancel cancel;
    ended = &cancel;
    ::signal(SIGTERM, on_term);
    jeton::LockOptions options;
    options.directory = argv[1];
    options.ttl = std::chrono::milliseconds(std::atol(argv[3]));
    jeton::Lock lock(argv[2], options);
    const std::string what = argv[4];
    if (what == "count") return count(lock, argv[5], std::atoi(argv[6]));
    std::cout << "waiting" << std::endl;
    const jeton::Status status = lock.acquire(std::nullopt, &cancel);
    if (status == JETON_CANCELLED) return 3;
    if (!status.ok()) throw jeton::Error(status, lock.reason());
    if (what == "fork") {
      const pid_t child = ::fork();
      if (child == 0) {
        for (;;) ::pause();
      }
      std::cout << "child " << child << std::endl;
    }
    if (what == "wait") std::cout << "held " << lock.fence() << std::endl;
    return what == "wait" ? give_back(lock) : hold(lock);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
