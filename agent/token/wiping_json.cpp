#include "agent/token/wiping_json.hpp"

namespace jeton::agent {

WipingJson parse_wiping_json(std::string_view text) { return WipingJson::parse(text); }
WipingJson try_parse_wiping_json(std::string_view text) { return WipingJson::parse(text, nullptr, false); }

SecretString json_text(const WipingJson& json) {
  return SecretString(json.dump(-1, ' ', false, WipingJson::error_handler_t::replace));
}

}  // namespace jeton::agent
