// The values of ${now:FORMAT} and ${nonce:FORMAT} in a request. Pure functions, any thread.
//
//   now    unix (seconds), unix_ms, rfc3339 (2026-01-31T08:00:00Z), or a format of %Y %m %d %H %M %S and %%, in UTC,
//          or in the time zone before the format: "+08:00 %Y-%m-%d %H:%M:%S"
//   nonce  uuid (version 4, RFC 9562), or hexN: N hexadecimal digits, an even number from 8 to 128
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

[[nodiscard]] bool is_time_format(std::string_view format);
// `format` is one.
[[nodiscard]] std::string format_time(std::string_view format, WallTime time);
// A number of unix time, not a text.
[[nodiscard]] inline bool is_unix_time(std::string_view format) { return format == "unix" || format == "unix_ms"; }

// How many digits a nonce of this format has, the dashes of a UUID not counted; nothing if the format is not valid.
[[nodiscard]] std::optional<std::size_t> nonce_digits(std::string_view format);
// `format` is one.
[[nodiscard]] std::string make_nonce(std::string_view format, Random& random);

}  // namespace jeton::agent
