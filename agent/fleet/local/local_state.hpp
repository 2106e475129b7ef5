// LocalState: the local coordinator's state of one token, in a JSON file of mode 0600 that is replaced as a whole, so
// that a reader sees the state before a change or after it, never half of it. FetchWindow: its count of calls.
//
// No locking here: a caller that changes the file holds the lock of the directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/fleet/fetch_budget.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// The calls to a provider in the running window; decides whether one more is allowed. The same arithmetic as the admit
// script (redis/scripts/admit.lua), for the coordinator that keeps the count on this host.
struct FetchWindow {
  std::optional<WallTime> last;      // start of the last call
  std::optional<WallTime> began_at;  // of the first call in the window
  std::uint64_t calls = 0;           // in the window
  Milliseconds length{};             // of the window; zero: not known

  struct Decision {
    std::optional<FetchRefusal> refusal{};  // none: admitted
    Milliseconds wait{};                    // if refused

    [[nodiscard]] bool admitted() const { return !refusal; }
  };
  // Counts the call if it is admitted. Times in the future, left by a clock that went back, count as now.
  Decision admit(WallTime now, const FetchLimits& limits);
  // The end of the window, and the calls in it; no end: not known. After its end there are none.
  [[nodiscard]] std::optional<WallTime> ends_at() const;
  [[nodiscard]] std::uint64_t calls_at(WallTime now) const;
};

struct LocalState {
  // Times are wall-clock times, because they outlive the process. The moment of writing is kept too: the clock may go
  // back, and no pause may last longer than intended.
  struct StoredPause {
    WallTime set_at;
    WallTime until;
    std::string reason;
    std::string request{};

    [[nodiscard]] Milliseconds remaining(WallTime now) const;  // zero: over
  };

  std::uint64_t fence = 0;  // of the last acquisition
  std::optional<Record> record;
  std::optional<StoredPause> pause;
  FetchWindow fetches;

  // If the clock is before the written times, counts them from now, so that a pause and an interval end in time. True:
  // the clock was before them.
  bool put_back(WallTime now);
};

// A missing file is an empty state. A file that cannot be parsed, or holds a record that no agent writes, is kept
// beside it as *.corrupt, with a warning, and the state starts empty. Throws Error if the file cannot be read.
[[nodiscard]] LocalState load_local_state(const std::filesystem::path& file, WallTime now);

// Throws Error; the old file stays.
void save_local_state(const std::filesystem::path& file, const LocalState& state);

}  // namespace jeton::agent
