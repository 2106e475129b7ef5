#include <algorithm>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

// RFC 6901: "/a/b~1c"; '~' only as ~0 or ~1.
bool is_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

// A token of RFC 9110 section 5.6.2, which names of headers and cookies are.
bool is_answer_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_set_cookie(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), ascii_lower);
  return name == "set-cookie";
}

// Without the inner pointer.
std::optional<AnswerPlace> place_of(std::string_view text) {
  using In = AnswerPlace::In;
  if (is_json_pointer(text)) return AnswerPlace(std::string(text));
  for (const auto& [word, in] : {std::pair<std::string_view, In>{"header ", In::header}, {"cookie ", In::cookie}}) {
    if (text.starts_with(word) && is_answer_name(text.substr(word.size())))
      return AnswerPlace(in, std::string(text.substr(word.size())));
  }
  return std::nullopt;
}

// The value of Set-Cookie is a cookie with its attributes, which do not belong to the token.
bool is_refused_header(const ValueReader& value, const AnswerPlace& place) {
  if (place.in != AnswerPlace::In::header || !is_set_cookie(place.name)) return false;
  value.error(value.path() + ": write the name of the cookie without its attributes: cookie NAME");
  return true;
}

}  // namespace

std::optional<AnswerPlace> read_header_place(const ValueReader& value) {
  const auto name = value.text();
  if (!name) return std::nullopt;
  if (!is_answer_name(*name)) {
    value.error(value.path() + ": " + in_quotes(*name) + " is not the name of a header");
    return std::nullopt;
  }
  AnswerPlace place(AnswerPlace::In::header, *name);
  if (is_refused_header(value, place)) return std::nullopt;
  return place;
}

std::optional<AnswerPlace> read_place(const ValueReader& value, AnswerParts parts) {
  constexpr std::string_view behind = " json /";
  const auto text = value.text();
  if (!text) return std::nullopt;
  const std::size_t inner = text->rfind(behind);
  auto place = place_of(std::string_view(*text).substr(0, inner));
  if (place && inner != std::string::npos) place->inner_json = text->substr(inner + behind.size() - 1);
  if (!place || (!place->inner_json.empty() && !is_json_pointer(place->inner_json))) {
    const bool http = parts == AnswerParts::http;
    value.error(value.path() + ": expected a JSON pointer (RFC 6901) like /data/access_token" +
                (http ? ", header NAME or cookie NAME" : "") + "; got " + in_quotes(*text));
    return std::nullopt;
  }
  if (parts == AnswerParts::body && place->in != AnswerPlace::In::body) {
    value.error(value.path() + ": only an answer by HTTP has headers and cookies");
    return std::nullopt;
  }
  if (is_refused_header(value, *place)) return std::nullopt;
  return place;
}

}  // namespace jeton::agent
