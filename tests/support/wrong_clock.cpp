// Preloaded into a redis-server, makes its wall clock wrong by JETON_TEST_CLOCK_S seconds. Its monotonic clock, and
// with it every timer, stays right. (libfaketime cannot be preloaded into a server with jemalloc.)
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int gettimeofday(struct timeval* time, void* /*zone*/) noexcept {
  static const char* const offset = std::getenv("JETON_TEST_CLOCK_S");
  const long result = ::syscall(SYS_gettimeofday, time, nullptr);
  if (offset != nullptr) time->tv_sec += std::atol(offset);
  return static_cast<int>(result);
}
