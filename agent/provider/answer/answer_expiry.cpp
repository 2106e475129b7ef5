#include "agent/provider/answer/answer_expiry.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "agent/jwt/jwt_claims.hpp"
#include "agent/provider/wire_time.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

constexpr const char* lead_to_default = "; if this means that the token never expires, set response.default_lifetime";

// One of the two keys, and the messages about its value.
class ExpiryField {
 public:
  ExpiryField(const char* key, const AnswerPlace& place, bool has_default)
      : name_("the " + std::string(key) + " (" + place.text() + ") in the provider's answer "),
        has_default_(has_default) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw SourceError(SourceError::Kind::transient, name_ + what);
  }
  // A value that some providers use for "never".
  std::nullopt_t never(const std::string& what) const {
    if (!has_default_) refuse(what + lead_to_default);
    return std::nullopt;
  }

 private:
  std::string name_;
  bool has_default_;
};

// "3599.0" counts, "inf" and "0x10" do not.
std::optional<double> number_in(const WipingJson& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  std::string_view text = text_in(value);
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return text.starts_with('-') ? -HUGE_VAL : HUGE_VAL;
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

// "expires_in": 1795003600 of some is when it expires. 2^31 - 1 is "never".
bool may_be_date(double number, WallTime since) {
  constexpr double never = 2147483647;
  const auto date = from_unix_number(number);
  return number != never && date && *date > since - std::chrono::hours(24 * 366) && *date < since + max_lifetime;
}

std::optional<WallTime> end_of_lifetime(const WipingJson& value, const ResponseConfig& config, WallTime since) {
  const ExpiryField field("expires_in", config.expires_in, config.default_lifetime.has_value());
  std::optional<double> ms = number_in(value);
  if (ms) *ms *= static_cast<double>(config.expiry_unit.value_or(Milliseconds{1000}).count());
  if (!ms && value.is_string()) ms = parse_duration_text(text_in(value));
  if (!ms) field.refuse("is not a number of seconds; is it a date (response.expires_at)?");
  if (*ms < 0) return field.never("is negative");
  if (*ms == 0) return field.never("is zero");
  if (*ms > static_cast<double>(to_ms(max_lifetime).count())) {
    if (const auto number = number_in(value); number && may_be_date(*number, since))
      field.refuse("is a date and no lifetime; set response.expires_at: " + config.expires_in.text());
    return field.never("is more than ten years; is its unit another (response.expiry_unit)?");
  }
  const Milliseconds lifetime{static_cast<std::int64_t>(std::floor(*ms))};
  if (lifetime <= Milliseconds{0}) field.refuse("is zero");
  return since + lifetime;
}

std::optional<WallTime> unix_time(double number, std::optional<Milliseconds> unit) {
  if (!unit) return from_unix_number(number);
  const double ms = number * static_cast<double>(unit->count());
  constexpr double last = 1e14;
  if (!std::isfinite(ms) || ms < 0 || ms > last) return std::nullopt;
  return from_unix_ms(static_cast<std::int64_t>(std::floor(ms)));
}

std::optional<WallTime> end_by_date(const WipingJson& value, const ResponseConfig& config, WallTime since) {
  const ExpiryField field("expires_at", config.expires_at, config.default_lifetime.has_value());
  std::optional<WallTime> time;
  if (const auto number = number_in(value)) {
    if (*number < 0) return field.never("is negative");
    if (*number == 0) return field.never("is zero");
    time = unix_time(*number, config.expiry_unit);
    if (!time) return field.never("is more than ten years away");
  } else if (value.is_string()) {
    const std::string_view text = text_in(value);
    time = parse_rfc3339(text);
    if (!time) time = parse_http_date(text, since);
    if (!time && parse_rfc3339(std::string(text) + "Z"))
      field.refuse(
          "has no time zone, so its meaning is not known; remove response.expires_at and set "
          "response.default_lifetime");
  }
  if (!time) field.refuse("is neither unix seconds nor unix milliseconds nor an RFC 3339 date nor one of HTTP");
  if (*time <= since) field.refuse("is in the past; do the clocks of provider and host agree?");
  if (*time - since > max_lifetime) return field.never("is more than ten years away");
  return time;
}

std::optional<WallTime> end_of_jwt(std::string_view token, WallTime since) {
  const auto expiry = jwt_expiry(token);
  if (expiry && *expiry <= since) {
    throw SourceError(SourceError::Kind::transient,
                      "the token in the provider's answer is a JWT that has expired (exp); does the provider return an "
                      "old token, or do the clocks of provider and host disagree?");
  }
  return expiry;
}

std::string looked_for(const ResponseConfig& config) {
  std::string text;
  for (const auto& [key, place] :
       {std::pair("expires_in", &config.expires_in), std::pair("expires_at", &config.expires_at)}) {
    if (!place->empty()) text += (text.empty() ? "" : " and no ") + std::string(key) + " (" + place->text() + ")";
  }
  return text.empty() ? "expiry" : text;
}

}  // namespace

AnswerExpiry expiry_in(const AnswerContent& content, const ResponseConfig& config, std::string_view token,
                       LifetimeBegin begin) {
  const WallTime since = begin.named;
  std::optional<WallTime> end;
  std::optional<WallTime> dated;
  const auto note = [](std::optional<WallTime>& earliest, std::optional<WallTime> other) {
    if (other) earliest = earliest ? std::min(*earliest, *other) : other;
  };
  if (const auto value = content.find(config.expires_in)) note(end, end_of_lifetime(*value, config, since));
  if (const auto value = content.find(config.expires_at)) note(dated, end_by_date(*value, config, since));
  if (const auto cookie = content.cookie(config.token)) {
    if (cookie->lifetime) note(end, since + *cookie->lifetime);
    note(dated, cookie->end);
  }
  const bool named = end.has_value() || dated.has_value();
  note(dated, end_of_jwt(token, since));
  note(end, dated);
  if (!named && config.default_lifetime) {
    const WallTime by_default = begin.by_default + *config.default_lifetime;
    return {end ? std::min(*end, by_default) : by_default, !end || by_default < *end, dated};
  }
  if (end) return {std::min(*end, since + max_lifetime), false, dated};
  refuse_answer("has no " + looked_for(config) + "; check the pointers or set response.default_lifetime");
}

}  // namespace jeton::agent
