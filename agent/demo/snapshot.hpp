// What the demo shows, at one moment. Plain values.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/base/time.hpp"
#include "agent/demo/provider.hpp"
#include "agent/demo/reader_process.hpp"

namespace jeton::agent::demo {

// How many processes the demo compares itself with.
inline constexpr std::uint64_t naive_processes = 100;

struct Snapshot {
  Milliseconds elapsed{};
  std::optional<Milliseconds> run_for;
  Milliseconds lifetime{};
  Milliseconds grace{};
  Milliseconds rate_interval{};  // the provider's limit: one request an address in each

  WallTime now;
  ReaderReport reader;
  double reads_per_second = 0;

  std::string phase;          // of the agent's refresh loop; empty: not known yet
  std::uint64_t fetches = 0;  // calls of this agent
  ProviderCounts provider;
  std::deque<std::string> agent_log;  // the last lines

  [[nodiscard]] bool has_token() const { return reader.generation != 0; }
  [[nodiscard]] Milliseconds time_left() const { return from_unix_ms(reader.expires_at_ms) - now; }
  [[nodiscard]] std::uint64_t reader_errors() const {
    return reader.expired + reader.torn + reader.older + reader.api_refused;
  }
  [[nodiscard]] std::uint64_t refreshes() const { return reader.tokens == 0 ? 0 : reader.tokens - 1; }
  // Calls to the provider if every process fetched a token of its own for each lifetime so far.
  [[nodiscard]] std::uint64_t naive_calls() const {
    return naive_processes * (static_cast<std::uint64_t>(elapsed / lifetime) + 1);
  }
};

}  // namespace jeton::agent::demo
