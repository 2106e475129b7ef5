// Durations and times as people write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::ctl {

using Milliseconds = std::chrono::milliseconds;

// "500ms", "30s", "5m", "24h", "7d"; nothing for anything else, a number without a unit included, and above 100 years.
[[nodiscard]] std::optional<Milliseconds> parse_duration(std::string_view text);

// The two largest units that matter, at most 8 characters up to 1000 days: "250ms", "8.2s", "5m", "1h 49m", "12d 3h".
[[nodiscard]] std::string duration_text(std::int64_t ms);
// "in 5m" or "5m ago".
[[nodiscard]] std::string relative_text(std::int64_t ms_from_now);
// The time that is left: "1h 49m", or "5s ago" when it is over.
[[nodiscard]] std::string left_text(std::int64_t ms);
// 2026-01-02T03:04:05Z.
[[nodiscard]] std::string time_text(std::int64_t unix_ms);

[[nodiscard]] std::int64_t unix_ms_now();
// On CLOCK_BOOTTIME, as valid_until_boot_ms of the agent counts them.
[[nodiscard]] std::int64_t boot_ms_now();

// A limit on a wait: a time from now, or none. It uses the monotonic clock.
class Deadline {
 public:
  explicit Deadline(std::optional<Milliseconds> limit);
  [[nodiscard]] bool passed() const;
  // Never negative; nothing means no limit.
  [[nodiscard]] std::optional<Milliseconds> remaining() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> end_;
};

}  // namespace jeton::ctl
