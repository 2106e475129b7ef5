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

}  // namespace jeton::agent
