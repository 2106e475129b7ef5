#include "agent/config/text/request_formats.hpp"

#include <array>

#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

constexpr std::string_view conversions = "YmdHMS%";

std::string digits(unsigned number, std::size_t width) {
  std::string text = std::to_string(number);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string converted(char conversion, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  switch (conversion) {
    case 'Y':
      return digits(static_cast<unsigned>(static_cast<int>(date.year())), 4);
    case 'm':
      return digits(static_cast<unsigned>(date.month()), 2);
    case 'd':
      return digits(static_cast<unsigned>(date.day()), 2);
    case 'H':
      return digits(static_cast<unsigned>(clock.hours().count()), 2);
    case 'M':
      return digits(static_cast<unsigned>(clock.minutes().count()), 2);
    case 'S':
      return digits(static_cast<unsigned>(clock.seconds().count()), 2);
    default:
      return "%";
  }
}

// "+08:00 " before a format, which is taken from it. Without one it is UTC.
std::chrono::minutes take_zone(std::string_view& format) {
  constexpr std::string_view shape = "+00:00 ";
  if (format.size() < shape.size() || (format[0] != '+' && format[0] != '-')) return {};
  for (std::size_t i = 1; i < shape.size(); ++i) {
    const bool digit = format[i] >= '0' && format[i] <= '9';
    if (shape[i] == '0' ? !digit : format[i] != shape[i]) return {};
  }
  const auto two_digits = [&](std::size_t at) { return (format[at] - '0') * 10 + (format[at + 1] - '0'); };
  const std::chrono::minutes ahead = std::chrono::hours(two_digits(1)) + std::chrono::minutes(two_digits(4));
  const std::chrono::minutes zone = format[0] == '-' ? -ahead : ahead;
  format.remove_prefix(shape.size());
  return zone;
}

}  // namespace

bool is_time_format(std::string_view format) {
  if (is_unix_time(format) || format == "rfc3339") return true;
  take_zone(format);
  bool any = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size() || conversions.find(format[i]) == std::string_view::npos) return false;
    any = any || format[i] != '%';
  }
  return any;
}

std::string format_time(std::string_view format, WallTime time) {
  if (format == "unix_ms") return std::to_string(to_unix_ms(time));
  if (format == "unix")
    return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  if (format == "rfc3339") return format_time("%Y-%m-%dT%H:%M:%SZ", time);
  time += take_zone(format);
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      text += converted(format[++i], time);
    } else {
      text += format[i];
    }
  }
  return text;
}

std::optional<std::size_t> nonce_digits(std::string_view format) {
  if (format == "uuid") return 32;
  if (!format.starts_with("hex")) return std::nullopt;
  const auto number = parse_unsigned(format.substr(3));
  if (!number || *number < 8 || *number > 128 || *number % 2 != 0) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

std::string make_nonce(std::string_view format, Random& random) {
  std::string text = random.hex(nonce_digits(format).value_or(32) / 2);
  if (format != "uuid") return text;
  constexpr std::string_view variants = "89ab";  // the two highest bits of its digit are 10
  text[12] = '4';
  const char digit = text[16];
  text[16] = variants[static_cast<std::size_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10) % 4];
  for (const std::size_t at : {std::size_t{8}, std::size_t{13}, std::size_t{18}, std::size_t{23}}) text.insert(at, "-");
  return text;
}

}  // namespace jeton::agent
