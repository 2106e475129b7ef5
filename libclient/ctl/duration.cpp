#include "libclient/ctl/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace jeton::ctl {
namespace {

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t longest_duration = 100 * 365 * day;

std::string two_units(std::int64_t ms, std::int64_t large, char large_name, std::int64_t small, char small_name) {
  std::string text = std::to_string(ms / large) + large_name;
  const std::int64_t rest = ms % large / small;
  if (rest != 0) text += " " + std::to_string(rest) + small_name;
  return text;
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t factor = unit == "ms"  ? 1
                              : unit == "s" ? second
                              : unit == "m" ? minute
                              : unit == "h" ? hour
                              : unit == "d" ? day
                                            : 0;
  if (factor == 0 || number > longest_duration / factor) return std::nullopt;
  return Milliseconds(number * factor);
}

std::string duration_text(std::int64_t ms) {
  if (ms < 0) return "-" + duration_text(ms == INT64_MIN ? INT64_MAX : -ms);
  if (ms < second) return std::to_string(ms) + "ms";
  if (ms < minute) {
    const std::string tenths = ms < 10 * second && ms % second >= 100 ? "." + std::to_string(ms % second / 100) : "";
    return std::to_string(ms / second) + tenths + "s";
  }
  if (ms < hour) return two_units(ms, minute, 'm', second, 's');
  if (ms < day) return two_units(ms, hour, 'h', minute, 'm');
  return two_units(ms, day, 'd', hour, 'h');
}

std::string relative_text(std::int64_t ms_from_now) {
  return ms_from_now < 0 ? duration_text(-ms_from_now) + " ago" : "in " + duration_text(ms_from_now);
}

std::string left_text(std::int64_t ms) { return ms < 0 ? relative_text(ms) : duration_text(ms); }

std::string time_text(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / second);
  std::tm utc{};
  std::array<char, 40> text{};
  if (::gmtime_r(&seconds, &utc) == nullptr || std::strftime(text.data(), text.size(), "%FT%TZ", &utc) == 0) {
    return std::to_string(unix_ms) + "ms";
  }
  return text.data();
}

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t boot_ms_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Deadline::Deadline(std::optional<Milliseconds> limit) {
  if (limit) end_ = std::chrono::steady_clock::now() + *limit;
}

bool Deadline::passed() const { return end_ && std::chrono::steady_clock::now() >= *end_; }

std::optional<Milliseconds> Deadline::remaining() const {
  if (!end_) return std::nullopt;
  // Rounded up, so that a wait of the remaining time does not end just before the deadline and begin again.
  const auto left = std::chrono::ceil<Milliseconds>(*end_ - std::chrono::steady_clock::now());
  return std::max(left, Milliseconds(0));
}

}  // namespace jeton::ctl
