#include "agent/provider/oauth2/dpop.hpp"

#include <algorithm>
#include <string_view>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer.hpp"

namespace jeton::agent {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
  return lower;
}

// A text of the answer, in lower case; empty if it is not there.
std::string said(const WipingJson& json, const char* key) {
  if (!json.is_object()) return {};
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return {};
  return lower_case(std::string_view(found->get_ref<const WipingJson::string_t&>()));
}

}  // namespace

std::optional<std::string> dpop_demand(const HttpResponse& response, const AnswerContent& content) {
  if (is_success_status(response.status)) return std::nullopt;
  for (const HttpHeader& header : response.headers) {
    if (!equal_ignoring_case(header.name, "WWW-Authenticate")) continue;
    if (lower_case(header.value.reveal()).starts_with("dpop")) return "WWW-Authenticate: DPoP";
  }
  const std::string code = said(content.json, "error");
  if (code == "use_dpop_nonce" || code == "invalid_dpop_proof") return "the error " + code;
  if (said(content.json, "error_description").find("dpop") != std::string::npos) return "its error_description";
  return std::nullopt;
}

}  // namespace jeton::agent
