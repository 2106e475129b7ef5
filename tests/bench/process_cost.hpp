// What some work costs another process: its CPU time as the kernel counts it, and its system calls as strace counts
// them. Each is measured in a run of its own, because strace slows the process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

namespace jeton::bench {

// In microseconds, of all threads. Nothing: the kernel does not count it (CONFIG_SCHED_INFO).
[[nodiscard]] std::optional<double> cpu_us_of(pid_t process, const std::function<void()>& work);

// Of all threads. Nothing: strace is not installed, or may not follow the process.
[[nodiscard]] std::optional<double> system_calls_of(pid_t process, const std::function<void()>& work);

}  // namespace jeton::bench
