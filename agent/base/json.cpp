#include "agent/base/json.hpp"

namespace jeton::agent {

Json parse_json(std::string_view text) { return Json::parse(text); }
Json try_parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }
OrderedJson try_parse_ordered_json(std::string_view text) { return OrderedJson::parse(text, nullptr, false); }

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string json_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace jeton::agent
