#include "agent/jwt/jwt_claims.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "agent/base/json.hpp"
#include "agent/jwt/base64url.hpp"

namespace jeton::agent {
namespace {

constexpr double end_of_9999 = 253402300800;  // unix seconds; a larger number is milliseconds
constexpr std::size_t longest_number = 18;    // digits

// Reads the members of the outermost object as they go by and keeps no tree, so that nesting costs no memory. Each
// function returns false to stop the parser, which then reports failure and does not throw.
class TopMembers : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] bool is_object() const { return is_object_; }
  [[nodiscard]] bool has_text(const std::string& key) const { return texts_.count(key) != 0; }
  [[nodiscard]] std::optional<WallTime> expiry() const { return expiry_; }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t number) override { return seconds(static_cast<double>(number)); }
  bool number_unsigned(number_unsigned_t number) override { return seconds(static_cast<double>(number)); }
  bool number_float(number_float_t number, const string_t& /*text*/) override { return seconds(number); }
  bool string(string_t& text) override {
    if (depth_ == 1) texts_.insert(key_);
    if (!text.empty() && text.size() <= longest_number && text.find_first_not_of("0123456789") == std::string::npos)
      return seconds(static_cast<double>(std::stoull(text)));
    return true;
  }
  bool binary(binary_t& /*bytes*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override {
    if (depth_ == 0) is_object_ = true;
    return ++depth_ <= max_jwt_depth;
  }
  bool start_array(std::size_t /*elements*/) override { return ++depth_ <= max_jwt_depth; }
  bool end_object() override { return --depth_ >= 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool key(string_t& text) override {
    if (depth_ == 1) key_ = text;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last*/,
                   const nlohmann::detail::exception& /*what*/) override {
    return false;
  }

 private:
  // A value that is not a time counts as absent. If it is repeated, the earlier time counts: readers may take either.
  bool seconds(double number) {
    if (depth_ != 1 || key_ != "exp" || !(number >= 0 && number < end_of_9999 * 1000)) return true;
    const double ms = number < end_of_9999 ? number * 1000 : number;
    const WallTime read = from_unix_ms(static_cast<std::int64_t>(std::floor(ms)));
    expiry_ = std::min(expiry_.value_or(read), read);
    return true;
  }

  int depth_ = 0;
  bool is_object_ = false;
  std::string key_;  // the last at depth 1
  std::set<std::string> texts_;
  std::optional<WallTime> expiry_;
};

// Some issuers write the padding that RFC 7515 leaves out, and others read it.
std::string_view without_padding(std::string_view part) {
  for (int i = 0; i < 2 && part.ends_with('='); ++i) part.remove_suffix(1);
  return part;
}

std::optional<TopMembers> members_of(std::string_view part) {
  const std::optional<SecretString> json = base64url_decode(without_padding(part));
  if (!json) return std::nullopt;
  const std::string_view text = json->reveal();
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // for the parser it is the end
  TopMembers members;
  if (!Json::sax_parse(text.begin(), text.end(), &members) || !members.is_object()) return std::nullopt;
  return members;
}

}  // namespace

std::optional<WallTime> jwt_expiry(std::string_view token) {
  if (token.size() > max_jwt_size) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  // An unsecured token ("alg": "none") has an empty signature; it is not ours to judge.
  if (!base64url_decode(without_padding(token.substr(second + 1)))) return std::nullopt;
  const auto header = members_of(token.substr(0, first));
  if (!header || !header->has_text("alg")) return std::nullopt;
  const auto claims = members_of(token.substr(first + 1, second - first - 1));
  return claims ? claims->expiry() : std::nullopt;
}

}  // namespace jeton::agent
