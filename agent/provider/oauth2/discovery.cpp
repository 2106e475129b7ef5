#include "agent/provider/oauth2/discovery.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/provider/answer/content_coding.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/answer/refusal.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr Duration metadata_max_age = std::chrono::hours{1};
constexpr std::string_view oauth_path = "/.well-known/oauth-authorization-server";
constexpr std::string_view openid_path = "/.well-known/openid-configuration";

// The document is of another issuer, or of none.
class OtherIssuer : public SourceError {
 public:
  explicit OtherIssuer(const std::string& issuer)
      : SourceError(Kind::permanent,
                    issuer.empty() ? "it names no issuer" : "it is of the issuer \"" + excerpt(issuer) + "\"") {}
};

std::string_view without_last_slash(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return issuer;
}

// Nothing if it is missing; throws if it is not a text.
std::optional<std::string> member(const WipingJson& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  if (!found->is_string()) {
    throw SourceError(Kind::permanent, std::string("the issuer's metadata has a ") + key + " that is not text");
  }
  return std::string(text_in(*found));
}

// A client with a certificate has endpoints of its own, also if the certificate does not authenticate it and is what
// its tokens are bound to (RFC 8705 section 5).
std::optional<std::string> endpoint(const WipingJson& json, const char* key, const OAuth2SourceConfig& config) {
  if (!config.egress.tls.cert_file.empty()) {
    const auto aliases = json.find("mtls_endpoint_aliases");
    if (aliases != json.end() && aliases->is_object()) {
      if (auto alias = member(*aliases, key)) return alias;
    }
  }
  return member(json, key);
}

// The URL as messages name it. The document comes from elsewhere: its URLs are checked like configured ones.
std::string checked_display(const std::string& url, const char* key, const EgressConfig& egress) {
  try {
    check_request_url(SecretString(url), egress, std::string("the issuer's ") + key);
    return parse_http_url(url).display();
  } catch (const Error& e) {
    throw SourceError(Kind::permanent, e.what());
  }
}

}  // namespace

std::string oauth_metadata_url(std::string_view issuer) {
  const std::size_t path = without_last_slash(issuer).find('/', issuer.find("://") + 3);
  if (path == std::string_view::npos) return std::string(without_last_slash(issuer)) + std::string(oauth_path);
  return std::string(issuer.substr(0, path)) + std::string(oauth_path) +
         std::string(without_last_slash(issuer).substr(path));
}

std::string openid_metadata_url(std::string_view issuer) {
  return std::string(without_last_slash(issuer)) + std::string(openid_path);
}

OAuth2Endpoints read_metadata(std::string_view body, const OAuth2SourceConfig& config) {
  const WipingJson json = parse_json_object(body);
  // An attacker who publishes under the name of another issuer would receive our credentials (RFC 8414 section 6.2).
  const auto named = json.find("issuer");
  const std::string issuer = named != json.end() && named->is_string() ? std::string(text_in(*named)) : std::string();
  if (issuer != config.issuer) throw OtherIssuer(issuer);
  // A name of client metadata (RFC 9449 section 5.2), which some providers publish of themselves.
  if (const auto bound = json.find("dpop_bound_access_tokens");
      bound != json.end() && bound->is_boolean() && bound->get<bool>()) {
    throw SourceError(Kind::permanent, "the metadata of the issuer " + config.issuer +
                                           " demands DPoP (dpop_bound_access_tokens); " + dpop_advice);
  }
  OAuth2Endpoints endpoints;
  const auto algorithms = json.find("dpop_signing_alg_values_supported");
  endpoints.offers_dpop = algorithms != json.end() && algorithms->is_array() && !algorithms->empty();
  const auto token = endpoint(json, "token_endpoint", config);
  if (!token) {
    throw SourceError(Kind::permanent,
                      "the metadata of the issuer " + config.issuer + " has no token_endpoint; set source.token_url");
  }
  endpoints.token = SecretString(*token);
  endpoints.token_display = checked_display(*token, "token_endpoint", config.egress);
  if (const auto revocation = endpoint(json, "revocation_endpoint", config)) {
    endpoints.revocation = SecretString(*revocation);
    endpoints.revocation_display = checked_display(*revocation, "revocation_endpoint", config.egress);
  }
  return endpoints;
}

Task<OAuth2Endpoints> Discovery::endpoints() {
  const bool fresh = known_ && !suspected_ && clock_.boot_now() - asked_at_ < metadata_max_age;
  if (fresh) co_return *known_;
  std::optional<SourceError> failure;
  try {
    OAuth2Endpoints found = co_await ask();
    known_ = std::move(found);
    asked_at_ = clock_.boot_now();
    suspected_ = false;
  } catch (const SourceError& e) {
    failure = e;
  }
  if (!known_) throw SourceError(*failure);
  co_return *known_;
}

// What one place has says nothing about the other: a server of many issuers may have the document of its host at one
// of them, and a web application sends a page, or a redirect to its form, for every path it does not know.
Task<OAuth2Endpoints> Discovery::ask() {
  const std::array<std::string, 2> places{oauth_metadata_url(config_.issuer), openid_metadata_url(config_.issuer)};
  std::string said;
  bool later = false;         // by the status
  bool is_unread = false;     // at one place is a page, which may be one of maintenance
  bool is_of_others = false;  // at one place is the document of another issuer
  std::optional<Duration> retry_after;
  for (const std::string& place : places) {
    said += said.empty() ? "" : ", ";
    HttpRequest request = request_for(place);
    HttpResponse response;
    try {
      response = co_await transport_.perform(std::move(request));
      said += place + " answered " + std::to_string(response.status);
      if (response.status == 200) {
        const SecretString body = decoded_body(response, config_.response.max_body);
        OAuth2Endpoints found = read_metadata(body.reveal(), config_);
        co_return found;
      }
    } catch (const HttpError& e) {
      if (e.reason() != HttpError::Reason::redirect && e.reason() != HttpError::Reason::too_large) {
        throw SourceError(kind_of(e.reason()), said + e.what(), retry_after);
      }
      said += e.what();
      is_unread = is_unread || e.reason() == HttpError::Reason::too_large;
      continue;
    } catch (const OtherIssuer& e) {
      said += std::string(" (") + e.what() + ")";
      is_of_others = true;
      continue;
    } catch (const SourceError& e) {
      if (e.kind() != Kind::transient) throw;  // the document itself, which cannot be used
      said += std::string(" (") + e.what() + ")";
      is_unread = true;
      continue;
    }
    const WallTime now = clock_.wall_now();
    const auto ruled = ruled_kind(config_.response.error_rules, {}, response.status);
    if (ruled ? *ruled != Kind::transient : !says_later(response, now)) continue;
    later = true;
    retry_after = std::max(retry_after, asked_pause(response, now));
  }
  later = later || (is_unread && !is_of_others);
  throw SourceError(later ? Kind::transient : Kind::permanent,
                    "cannot get the metadata of the issuer " + config_.issuer + ": " + said + "; " +
                        (is_of_others ? "if one of these is the right provider, set source.issuer to exactly its issuer"
                                      : "check source.issuer") +
                        ", or set source.token_url",
                    retry_after);
}

HttpRequest Discovery::request_for(const std::string& place) const {
  HttpRequest request;
  std::vector<SecretString> secrets;
  try {
    request.url = SecretString(place);
    request.display = place;
    request.max_body = config_.response.max_body;
    apply_egress(request, config_.egress, tokens_, secrets);
  } catch (const Error& e) {
    throw unmade_request(e);
  }
  return request;
}

}  // namespace jeton::agent
