// The demo's application: a process of its own that uses libjeton as any other would. One thread reads the token as
// fast as it can, another one calls the provider's API with it now and then. Their results go to stdout, a
// ReaderReport several times a second.
#pragma once

#include <cstdint>
#include <string>

namespace jeton::agent::demo {

inline constexpr const char* token_name = "demo";

// A message on a pipe between two processes of the same binary: plain data, less than PIPE_BUF, so it arrives whole.
struct ReaderReport {
  std::uint64_t reads = 0;
  std::uint64_t tokens = 0;      // different ones seen
  std::uint64_t generation = 0;  // of the current one; 0: none yet
  std::int64_t expires_at_ms = 0;
  std::uint64_t expired = 0;  // reads that found an expired token, or none after the first one
  std::uint64_t torn = 0;     // reads whose checksum was wrong
  std::uint64_t older = 0;    // reads that went back to an older token
  std::uint64_t api_accepted = 0;
  std::uint64_t api_refused = 0;  // 401
  char fingerprint[9] = {};       // of the current token
};

// Runs until stdout is closed or a signal ends the process. `directory`: the agent's runtime_dir.
[[noreturn]] void run_reader(const std::string& directory, std::uint16_t api_port);

}  // namespace jeton::agent::demo
