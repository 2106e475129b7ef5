#include "tests/bench/machine.hpp"

#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <thread>

namespace jeton::bench {
namespace {

std::string cpu_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string kernel_name() {
  utsname name = {};
  return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release + " " + name.machine : "unknown";
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  ::gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

}  // namespace

Machine this_machine() {
#ifdef __clang__
  const std::string compiler = __VERSION__;
#else
  const std::string compiler = "GCC " __VERSION__;
#endif
#ifdef JETON_FAILPOINTS
  const std::string build = JETON_BENCH_BUILD_TYPE ", with failpoints";
#else
  const std::string build = JETON_BENCH_BUILD_TYPE;
#endif
  return {cpu_name(), std::thread::hardware_concurrency(), kernel_name(), now_utc(), compiler, build};
}

}  // namespace jeton::bench
