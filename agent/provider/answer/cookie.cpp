#include "agent/provider/answer/cookie.hpp"

#include <algorithm>
#include <charconv>

#include "agent/base/ascii.hpp"
#include "agent/provider/wire_time.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

// The part before the next semicolon, which is taken from `rest`.
std::string_view next_part(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find(';'));
  rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 1);
  return without_blanks(part, " \t");
}

std::optional<WallTime> end_by_max_age(std::string_view text, WallTime now) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range && text.starts_with('-')) return now;
  if (error == std::errc::result_out_of_range) return now + max_lifetime;
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(max_lifetime).count();
  return now + std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, most));
}

Cookie cookie_of(std::string_view value, std::string_view attributes, WallTime now) {
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
  std::optional<WallTime> max_age;
  std::optional<WallTime> expires;
  while (!attributes.empty()) {
    const std::string_view part = next_part(attributes);
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = without_blanks(part.substr(0, equals), " \t");
    const std::string_view text =
        equals == part.size() ? std::string_view{} : without_blanks(part.substr(equals + 1), " \t");
    if (equal_ignoring_case(name, "Max-Age")) max_age = end_by_max_age(text, now);
    if (equal_ignoring_case(name, "Expires")) expires = parse_http_date(text, now);
  }
  return {value, max_age ? max_age : expires, !max_age};
}

}  // namespace

std::optional<Cookie> find_cookie(std::span<const HttpHeader> headers, std::string_view name, WallTime now) {
  std::optional<Cookie> found;
  for (const HttpHeader& header : headers) {
    if (!equal_ignoring_case(header.name, "Set-Cookie")) continue;
    std::string_view rest = header.value.reveal();
    const std::string_view pair = next_part(rest);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || without_blanks(pair.substr(0, equals), " \t") != name) continue;
    found = cookie_of(without_blanks(pair.substr(equals + 1), " \t"), rest, now);
  }
  return found;
}

}  // namespace jeton::agent
