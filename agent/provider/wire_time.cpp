#include "agent/provider/wire_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

// Reads a text from the left. Once something did not match, everything after fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  // Whether the text goes on like this; then this part is read.
  bool accept(std::string_view text) {
    if (!ok_ || !rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) { ok_ = accept(text); }

  int digits(std::size_t count) {
    int value = 0;
    ok_ = ok_ && rest_.size() >= count;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      ok_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return value;
  }

  // The index of the name the text starts with.
  template <std::size_t n>
  int one_of(const std::array<std::string_view, n>& names) {
    for (std::size_t i = 0; ok_ && i < n; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    ok_ = false;
    return 0;
  }

  // One or more digits after a point, as milliseconds.
  int fraction_ms() {
    int value = 0;
    int scale = 100;
    ok_ = ok_ && peek() >= '0' && peek() <= '9';
    while (ok_ && peek() >= '0' && peek() <= '9') {
      value += (peek() - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

struct Fields {
  int year = 0;
  int month = 0;  // 1 to 12
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
};

std::optional<WallTime> instant(const Fields& f) {
  const std::chrono::year_month_day date{std::chrono::year{f.year}, std::chrono::month{static_cast<unsigned>(f.month)},
                                         std::chrono::day{static_cast<unsigned>(f.day)}};
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{f.hour} +
                  std::chrono::minutes{f.minute} + std::chrono::seconds{f.second} + Milliseconds{f.ms}};
}

void time_of_day(Scanner& in, Fields& f) {
  f.hour = in.digits(2);
  in.expect(":");
  f.minute = in.digits(2);
  in.expect(":");
  f.second = in.digits(2);
}

// "Z", "UTC", "GMT", "+01:00", "+0100" or "+01".
std::optional<std::chrono::minutes> zone(Scanner& in) {
  for (const std::string_view utc : {"Z", "z", "UTC", "GMT"}) {
    if (in.accept(utc)) return std::chrono::minutes{0};
  }
  const int sign = in.peek() == '-' ? -1 : 1;
  in.expect(sign < 0 ? "-" : "+");
  const int hours = in.digits(2);
  in.accept(":");
  const int minutes = in.peek() == '\0' ? 0 : in.digits(2);
  if (!in.ok() || hours > 23 || minutes > 59) return std::nullopt;
  return sign * std::chrono::minutes{hours * 60 + minutes};
}

std::optional<WallTime> instant_in_zone(Scanner& in, const Fields& f) {
  const auto offset = zone(in);
  const auto local = instant(f);
  if (!in.at_end() || !offset || !local) return std::nullopt;
  return *local - *offset;
}

std::optional<WallTime> imf_fixdate(std::string_view text) {
  Scanner in(text);
  Fields f;
  in.one_of(days);
  in.expect(", ");
  f.day = in.digits(2);
  const std::string_view between = in.peek() == '-' ? "-" : " ";
  in.expect(between);
  f.month = in.one_of(months) + 1;
  in.expect(between);
  f.year = in.digits(4);
  in.expect(" ");
  time_of_day(in, f);
  in.expect(" ");
  return instant_in_zone(in, f);
}

std::optional<WallTime> rfc850_date(std::string_view text, WallTime now) {
  Scanner in(text);
  Fields f;
  in.one_of(long_days);
  in.expect(", ");
  f.day = in.digits(2);
  in.expect("-");
  f.month = in.one_of(months) + 1;
  in.expect("-");
  const int two_digits = in.digits(2);
  in.expect(" ");
  time_of_day(in, f);
  in.expect(" GMT");
  if (!in.at_end()) return std::nullopt;
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  f.year = this_year - this_year % 100 + two_digits;
  if (f.year > this_year + 50) f.year -= 100;
  return instant(f);
}

std::optional<WallTime> asctime_date(std::string_view text) {
  Scanner in(text);
  Fields f;
  in.one_of(days);
  in.expect(" ");
  f.month = in.one_of(months) + 1;
  in.expect(" ");
  f.day = in.digits(in.accept(" ") ? 1 : 2);
  in.expect(" ");
  time_of_day(in, f);
  in.expect(" ");
  f.year = in.digits(4);
  return in.at_end() ? instant(f) : std::nullopt;
}

bool is_cookie_delimiter(char c) {
  return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// The digits that the text begins with, if there are so many; they are taken from it.
std::optional<int> leading_number(std::string_view& text, std::size_t least, std::size_t most) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits < least || digits > most) return std::nullopt;
  int number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  text.remove_prefix(digits);
  return number;
}

// "8:49:37", and whatever follows.
bool read_cookie_time(std::string_view part, Fields& f) {
  for (int* const field : {&f.hour, &f.minute, &f.second}) {
    if (field != &f.hour && !part.starts_with(':')) return false;
    if (field != &f.hour) part.remove_prefix(1);
    const auto number = leading_number(part, 1, 2);
    if (!number) return false;
    *field = *number;
  }
  return true;
}

bool read_cookie_month(std::string_view part, Fields& f) {
  const auto is = [part](std::string_view month) { return equal_ignoring_case(part.substr(0, month.size()), month); };
  const auto found = std::find_if(months.begin(), months.end(), is);
  if (found == months.end()) return false;
  f.month = static_cast<int>(found - months.begin()) + 1;
  return true;
}

}  // namespace

std::optional<WallTime> parse_cookie_date(std::string_view text) {
  Fields f;
  bool has_time = false;
  std::optional<int> day;
  std::optional<int> year;
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), is_cookie_delimiter);
    std::string_view part = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty() || (!has_time && (has_time = read_cookie_time(part, f)))) continue;
    if (!day && (day = leading_number(part, 1, 2))) continue;
    if (f.month == 0 && read_cookie_month(part, f)) continue;
    if (!year) year = leading_number(part, 2, 4);
  }
  if (!has_time || !day || f.month == 0 || !year) return std::nullopt;
  f.day = *day;
  f.year = *year < 70 ? *year + 2000 : *year < 100 ? *year + 1900 : *year;
  constexpr int first_year = 1601;
  return f.year < first_year ? std::nullopt : instant(f);
}

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
  if (const auto time = imf_fixdate(text)) return time;
  if (const auto time = rfc850_date(text, now)) return time;
  return asctime_date(text);
}

std::optional<Duration> parse_retry_after(std::string_view text, WallTime now) {
  text = without_blanks(text, " \t");
  if (text.empty()) return std::nullopt;
  // Some send "2.0", as Shopify does.
  if (text.front() >= '0' && text.front() <= '9' && text.find_first_not_of("0123456789.") == std::string_view::npos) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc::result_out_of_range) return retry_after_cap;  // more digits than any pause needs
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    const double cap = std::chrono::duration<double>(retry_after_cap).count();
    return Milliseconds{static_cast<std::int64_t>(std::ceil(std::min(seconds, cap) * 1000))};
  }
  const auto date = parse_http_date(text, now);
  if (!date) return std::nullopt;
  // Clamped in milliseconds: the year 9999 does not fit into nanoseconds.
  return std::clamp<Milliseconds>(*date - now, Milliseconds{0}, to_ms(retry_after_cap));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Scanner in(text);
  Fields f;
  f.year = in.digits(4);
  in.expect("-");
  f.month = in.digits(2);
  in.expect("-");
  f.day = in.digits(2);
  in.expect(in.peek() == 't' ? "t" : in.peek() == ' ' ? " " : "T");
  time_of_day(in, f);
  if (in.accept(".")) f.ms = in.fraction_ms();
  in.accept(" ");
  return instant_in_zone(in, f);
}

std::optional<WallTime> from_unix_number(double number) {
  constexpr double most_seconds = 253402300800;  // the end of 9999, which some mean by "never"
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  for (const double per_second : {1.0, 1e3, 1e6, 1e9}) {
    if (number >= most_seconds * per_second) continue;
    const double ms = per_second < 1e3 ? number * 1e3 : number / (per_second / 1e3);  // exact for milliseconds
    return from_unix_ms(static_cast<std::int64_t>(std::floor(ms)));
  }
  return std::nullopt;
}

std::optional<double> parse_duration_text(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 4> units{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  double total = 0;
  std::string lower;  // of ISO 8601: "PT1H30M"
  if (text.starts_with("PT")) {
    for (const char c : text.substr(2)) lower += c == 'H' || c == 'M' || c == 'S' ? ascii_lower(c) : c;
    text = lower;
  }
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    double number = 0;
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
    if (error != std::errc{} || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const auto& one) { return text.starts_with(one.first); });
    if (unit == units.end()) return std::nullopt;
    text.remove_prefix(unit->first.size());
    total += number * unit->second;
  }
  return total;
}

}  // namespace jeton::agent
