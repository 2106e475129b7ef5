#include "tests/chaos/host_clock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace jeton::chaos {
namespace {

void write_number(int fd, std::int64_t number) {
  if (::pwrite(fd, &number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    throw std::system_error(errno, std::generic_category(), "set the clock of a host");
  }
}

}  // namespace

HostClock::HostClock() : offset_(::open((dir_ / "ahead").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  write_number(offset_.get(), 0);
  const std::string steps = dir_ / "steps";
  if (::mkfifo(steps.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), "mkfifo");
  steps_ = agent::UniqueFd(::open(steps.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

std::map<std::string, std::string> HostClock::env() const {
  return {{"LD_PRELOAD", JETON_CHAOS_CLOCK_PRELOAD},
          {"JETON_CHAOS_CLOCK", dir_ / "ahead"},
          {"JETON_CHAOS_CLOCK_STEPS", dir_ / "steps"}};
}

void HostClock::set(std::chrono::seconds ahead) const {
  write_number(offset_.get(), ahead.count());
  // As much as a timerfd gives to read(2). While no agent runs, the next one hears of it at its start.
  const std::int64_t expirations = 1;
  if (::write(steps_.get(), &expirations, sizeof expirations) < 0) {
    throw std::system_error(errno, std::generic_category(), "tell the agent that the clock was stepped");
  }
}

}  // namespace jeton::chaos
