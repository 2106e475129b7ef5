// One cookie of an answer, by its name (RFC 6265 section 5.2). Pure functions, any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "agent/base/time.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

struct Cookie {
  std::string_view value;       // without the quotes around it
  std::optional<WallTime> end;  // by Max-Age, or else Expires; nothing: it names none
  bool is_dated = false;        // by Expires
};

// Nothing if no Set-Cookie has this name. If several do, the last counts, as in a browser. Views into `headers`.
[[nodiscard]] std::optional<Cookie> find_cookie(std::span<const HttpHeader> headers, std::string_view name,
                                                WallTime now);

}  // namespace jeton::agent
