#include "agent/api/tokens/request_json.hpp"

#include "agent/base/json.hpp"

namespace jeton::agent {

std::optional<std::uint64_t> generation_in(const std::string& body) {
  const Json json = try_parse_json(body);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("generation");
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<log::Level> log_level_in(const std::string& body) {
  const Json json = try_parse_json(body);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("level");
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return log::level_named(found->get_ref<const std::string&>());
}

}  // namespace jeton::agent
