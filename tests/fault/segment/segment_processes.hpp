// The work of readers and writers in the processes of the tests below.
#pragma once

#include <cstdint>
#include <filesystem>

#include "agent/record/record.hpp"

namespace jeton::test {

inline constexpr std::size_t default_capacity = 2048;

// The token of a generation: its size varies with it.
[[nodiscard]] agent::Record token_of(agent::Generation generation);

// Opens the runtime directory as an agent that starts, and publishes `count` tokens after the one that it finds.
void publish_some(const std::filesystem::path& directory, agent::Generation count,
                  std::size_t capacity = default_capacity);
// Never returns: as fast as it can.
[[noreturn]] void publish_for_ever(const std::filesystem::path& directory, int to_parent);

struct ReaderReport {
  std::uint64_t good = 0;         // reads that gave a whole token
  std::uint64_t busy = 0;         // reads that gave up after the bounded number of attempts
  std::uint64_t generations = 0;  // different ones that were seen
  std::uint64_t torn = 0;         // values that are not what their generation says
  std::uint64_t older = 0;        // generations below one that was seen before
  std::uint64_t failures = 0;     // any other status
  std::uint64_t newest = 0;
};

// Reads through reader.current and read in turn until SIGTERM, then reports to the parent. Says ready after its first
// good read, and once more when it has seen a second generation. With several threads on one token: when each has had
// one; of `generations` and `newest`, the least.
int read_until_told(const std::filesystem::path& directory, int to_parent, int threads = 1);

}  // namespace jeton::test
