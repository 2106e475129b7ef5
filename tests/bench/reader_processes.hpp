// Processes that read as often as they can for a while, and count.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace jeton::bench {

struct Reading {
  double calls_per_s = 0;    // of all together, by the wall clock
  double cpu_ns = 0;         // of one call, in the reader's own processor time: what other processes do is not in it
  std::uint64_t failed = 0;  // calls that did not give a token
};

// Called in the new process; returns what reads there: as often as it is told, and how many of those failed.
using ReadMany = std::function<int(int)>;
using MakeReader = std::function<ReadMany()>;

// `meanwhile` runs in this process until it is asked to end (the writer, or a sleep).
[[nodiscard]] Reading read_in_processes(int processes, const MakeReader& make,
                                        const std::function<void(std::chrono::steady_clock::time_point)>& meanwhile,
                                        std::chrono::milliseconds time);

}  // namespace jeton::bench
