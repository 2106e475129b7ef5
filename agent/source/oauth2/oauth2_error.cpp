#include "agent/source/oauth2/oauth2_error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/source/answer.hpp"
#include "agent/source/excerpt.hpp"
#include "agent/source/json_body.hpp"
#include "agent/source/json_pointer.hpp"
#include "agent/source/response_parser.hpp"
#include "agent/source/wire_time.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

struct KnownCode {
  std::string_view code;
  Kind kind;
  const char* advice;
};

constexpr std::array known_codes{
    KnownCode{"invalid_request", Kind::permanent, "check the grant and source.params"},
    KnownCode{"invalid_client", Kind::permanent,
              "check client_id, client_auth and the secret or key of the client, at the provider too"},
    KnownCode{"invalid_grant", Kind::permanent, "check what the grant presents, and this host's clock"},
    KnownCode{"unauthorized_client", Kind::permanent, "have the provider allow this grant to the client"},
    KnownCode{"unsupported_grant_type", Kind::permanent, "check source.grant and that the URL is the token endpoint"},
    KnownCode{"invalid_scope", Kind::permanent, "check source.scope"},
    KnownCode{"invalid_target", Kind::permanent, "check source.resource and source.audience"},
    // Meant for redirects (RFC 6749 section 4.1.2.1), and sent with 400 by some.
    KnownCode{"server_error", Kind::transient, "the provider has trouble"},
    KnownCode{"temporarily_unavailable", Kind::transient, "the provider has trouble"},
    KnownCode{"slow_down", Kind::transient, "the provider's rate limit is reached"}};

const KnownCode* known(std::string_view code) {
  const auto found =
      std::find_if(known_codes.begin(), known_codes.end(), [&](const KnownCode& known) { return known.code == code; });
  return found == known_codes.end() ? nullptr : found;
}

bool is_success(int status) { return status >= 200 && status <= 299; }
bool is_redirect(int status) { return status >= 300 && status <= 399; }

std::string said_at(const WipingJson& json, const std::string& pointer) {
  const WipingJson* value = pointer.empty() ? nullptr : find_by_pointer(json, pointer);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(std::string_view(value->get_ref<const WipingJson::string_t&>()));
}

struct Refusal {
  std::string code;
  std::string description;
};

// Nothing if the answer names no code.
std::optional<Refusal> read_refusal(const WipingJson& json, const ResponseConfig& config) {
  Refusal refusal{said_at(json, config.error), said_at(json, config.error_message)};
  if (refusal.code.empty() || refusal.code == "0") return std::nullopt;
  return refusal;
}

}  // namespace

WipingJson checked_answer(const HttpResponse& response, const std::string& display, const ResponseConfig& config,
                          std::span<const SecretString> secrets, WallTime now) {
  WipingJson json;
  std::optional<SourceError> no_json;
  try {
    json = parse_json_object(response.body.reveal());
  } catch (const SourceError& e) {
    no_json = e;
  }
  const auto refusal = read_refusal(json, config);
  if (!refusal && is_success(response.status)) {
    if (no_json) throw SourceError(*no_json);
    return json;
  }
  if (!refusal || is_redirect(response.status)) {
    refuse_status(response, display, provider_error(response.body.reveal(), config, secrets), now);
  }
  const KnownCode* code = known(refusal->code);
  const bool later = is_transient_status(response.status) || (code == nullptr && is_success(response.status)) ||
                     (code != nullptr && code->kind == Kind::transient);
  std::string text = display + " answered " + std::to_string(response.status) + " (" + excerpt(refusal->code, secrets);
  if (!refusal->description.empty()) text += ": \"" + excerpt(refusal->description, secrets) + "\"";
  text += std::string("); ") + (code != nullptr ? code->advice : "check the parameters of the source");
  throw OAuth2Error(later ? Kind::transient : Kind::permanent, text,
                    later ? parse_retry_after(response.retry_after, now) : std::nullopt, refusal->code);
}

}  // namespace jeton::agent
