// Times as providers write them. Pure functions, any thread; no locale, no time zone of this host.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/time.hpp"

namespace jeton::agent {

// The longest pause a provider can ask for.
inline constexpr Duration retry_after_cap = std::chrono::hours{24};

// Retry-After (RFC 9110 section 10.2.3): seconds, or a date in any of the three forms of HTTP. From `now` on, between
// zero (a date that is past) and the cap; nothing if the text is neither.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view text, WallTime now);

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" (a year more than 50 years ahead of `now` belongs
// to the century before) or "Sun Nov  6 08:49:37 1994"; and common deviations: "Sun, 06-Nov-1994" as in
// cookies, UTC or +0000 instead of GMT. The name of the day is not checked against the date.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);

// The date of a cookie, as browsers read it (RFC 6265 section 5.1.1): time, day, month and year in any order, with any
// words between, in UTC; a year of two digits is one of 1970 to 2069.
[[nodiscard]] std::optional<WallTime> parse_cookie_date(std::string_view text);

// "2026-01-02T03:04:05.678+01:00" or with Z; also +0100, +01 and UTC, and a blank before these. Digits past the
// millisecond are dropped. A leap second is the second after. A date without a zone is not accepted: its zone is not
// known.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

// Converts a number since the Unix epoch: seconds if that is before the year 10000, else milliseconds, microseconds or
// nanoseconds.
[[nodiscard]] std::optional<WallTime> from_unix_number(double number);

// "3600s", "1.5h", "1h30m0s", "500ms": as protobuf's JSON and Go write a duration. In milliseconds.
[[nodiscard]] std::optional<double> parse_duration_text(std::string_view text);

}  // namespace jeton::agent
