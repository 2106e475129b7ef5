// Snapshot: the data that the demo shows at one moment, and the functions that make text of it (pure). Screen: shows
// that text.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/demo/provider.hpp"
#include "agent/demo/reader_process.hpp"

namespace jeton::agent::demo {

// The number of processes that the demo compares itself with.
inline constexpr std::uint64_t naive_processes = 100;

struct Snapshot {
  Milliseconds elapsed{};
  std::optional<Milliseconds> run_for;
  Milliseconds lifetime{};
  Milliseconds grace{};
  Milliseconds overlap{};
  Milliseconds rate_interval{};  // the provider's limit: one request an address in each

  WallTime now;
  ReaderReport reader;
  double reads_per_second = 0;

  std::string phase;  // of the agent's refresh loop; empty: not known yet
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

struct Terminal {
  int columns = 80;
  int rows = 24;
  bool color = false;
};

// The live view: at most rows - 1 lines of at most `columns` characters, colored if wanted.
[[nodiscard]] std::vector<std::string> live_view(const Snapshot& snapshot, const Terminal& terminal);

// The same as one line of key=value, for a file or a pipe.
[[nodiscard]] std::string plain_line(const Snapshot& snapshot);

// One sentence for the end.
[[nodiscard]] std::string summary(const Snapshot& snapshot);

// Time left as a bar: '#' until the grace period begins, '=' inside it, '.' for the time that has passed.
[[nodiscard]] std::string life_bar(Milliseconds left, Milliseconds lifetime, Milliseconds grace, int width);

// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

// Redrawn in place on a terminal, otherwise a line a second on stdout.
class Screen {
 public:
  // `color`: on a terminal, and only if NO_COLOR is not set.
  explicit Screen(bool color);
  // Leaves the last view on the terminal and the cursor visible below it.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Called often; a plain stdout gets a line for each second only.
  void show(const Snapshot& snapshot);
  // The terminal has another size: its text cannot be overwritten line by line.
  void resized() { clear_ = true; }

 private:
  void draw(const Snapshot& snapshot);

  const bool terminal_;
  const bool color_;
  bool clear_ = false;
  int drawn_ = 0;  // lines above the cursor that are ours
  std::optional<std::int64_t> last_second_;
};

}  // namespace jeton::agent::demo
