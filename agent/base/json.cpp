#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

// Returns `text`; or an empty text, which is not JSON, if it nests deeper than the limit or holds a NUL. The parser
// would take a NUL for the end of the text and ignore the rest.
std::string_view without_deep_json(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return {};
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > json_depth_limit) return {};
    } else if (c == ']' || c == '}') {
      if (depth > 0) --depth;  // the text is not JSON; the parser reports it
    }
  }
  return text;
}

}  // namespace

Json try_parse_json(std::string_view text) { return Json::parse(without_deep_json(text), nullptr, false); }
OrderedJson try_parse_ordered_json(std::string_view text) {
  return OrderedJson::parse(without_deep_json(text), nullptr, false);
}
WipingJson try_parse_wiping_json(std::string_view text) {
  return WipingJson::parse(without_deep_json(text), nullptr, false);
}
WipingJson parse_wiping_json(std::string_view text) { return WipingJson::parse(without_deep_json(text)); }

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string json_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}
SecretString json_text(const WipingJson& json) {
  return SecretString(json.dump(-1, ' ', false, WipingJson::error_handler_t::replace));
}

}  // namespace jeton::agent
