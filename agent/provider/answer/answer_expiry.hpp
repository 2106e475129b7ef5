// The end of a token according to its answer: the earliest of a lifetime, a date, the end of the cookie it came in,
// and `exp` of a JWT. Pure functions, any thread. Include in .cpp files only.
#pragma once

#include <optional>
#include <string_view>

#include "agent/provider/answer/answer_content.hpp"

namespace jeton::agent {

struct AnswerExpiry {
  WallTime at;
  bool by_default = false;        // response.default_lifetime decided: the same answer, read later, ends later
  std::optional<WallTime> dated;  // the earliest of the dates
};

// The times from which lifetimes count: one that the answer names, and response.default_lifetime.
struct LifetimeBegin {
  WallTime named;
  WallTime by_default;
};

// A lifetime is a number or its text, of seconds unless response.expiry_unit says otherwise, or "3600s", "1h30m". A
// date is unix time (seconds, ms, us or ns, distinguished by size), RFC 3339 or an HTTP date. Zero, a negative number
// and more than ten years mean "never" at some providers: with default_lifetime they count as an answer without an end.
//
// Throws SourceError(transient) that names the place and the configuration key that corrects it.
[[nodiscard]] AnswerExpiry expiry_in(const AnswerContent& content, const ResponseConfig& config, std::string_view token,
                                     LifetimeBegin begin);

}  // namespace jeton::agent
