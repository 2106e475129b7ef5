// A job that every host's timer starts at the same second, and that one host of the fleet does. Every step looks
// whether the lock is still held, and passes its fence to the resource, a file here, which refuses one that is older
// than one it has seen: a job that was stopped for longer than its lock lasted and goes on then does no harm.
//
//   nightly_job NAME FILE [STEPS]      the agent's configuration must allow the lock: locks: {"NAME": {groups: [...]}}
//
// Exit status: 0 done, 1 it could not be, 3 another host does it, 4 the lock was lost on the way.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <jeton/client.hpp>
#include <stdexcept>
#include <string>

namespace {

// The resource: a file with the fence of its last writer, read and changed under its own local lock.
class GuardedFile {
 public:
  explicit GuardedFile(std::string path) : path_(std::move(path)) {}

  // False: a client with a newer lock has been here.
  bool write(jeton::Fence fence, const std::string& text) {
    const int guard = ::open((path_ + ".guard").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (guard < 0 || ::flock(guard, LOCK_EX) != 0) throw std::runtime_error("cannot lock " + path_ + ".guard");
    jeton::Fence seen = 0;
    std::ifstream(path_) >> seen;
    const bool allowed = fence >= seen;
    if (allowed) std::ofstream(path_) << fence << '\n' << text << '\n';
    ::close(guard);
    return allowed;
  }

 private:
  std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: nightly_job NAME FILE [STEPS]\n";
    return 1;
  }
  const int steps = argc > 3 ? std::atoi(argv[3]) : 3;
  try {
    jeton::Lock lock(argv[1]);  // the directory comes from $JETON_DIR, or is /run/jeton
    if (!lock.try_lock()) return 3;
    GuardedFile file(argv[2]);
    for (int i = 1; i <= steps; ++i) {
      if (lock.lost() || !file.write(lock.fence(), "step " + std::to_string(i))) {
        std::cerr << "nightly_job: lost: " << lock.reason() << '\n';
        return 4;
      }
    }
    return lock.unlock() == JETON_LOCK_LOST ? 4 : 0;
  } catch (const std::exception& e) {
    std::cerr << "nightly_job: " << e.what() << '\n';
    return 1;
  }
}
