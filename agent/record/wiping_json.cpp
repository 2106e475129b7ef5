#include "agent/record/wiping_json.hpp"

#include "agent/base/json.hpp"

namespace jeton::agent {

WipingJson parse_wiping_json(std::string_view text) { return WipingJson::parse(without_deep_json(text)); }
WipingJson try_parse_wiping_json(std::string_view text) {
  return WipingJson::parse(without_deep_json(text), nullptr, false);
}

SecretString json_text(const WipingJson& json) {
  return SecretString(json.dump(-1, ' ', false, WipingJson::error_handler_t::replace));
}

}  // namespace jeton::agent
