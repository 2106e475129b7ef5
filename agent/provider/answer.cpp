#include "agent/provider/answer.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

}  // namespace

SourceError unmade_request(const Error& why) {
  return {Kind::transient, std::string("the request cannot be made: ") + why.what()};
}

bool is_success_status(int status) { return status >= 200 && status <= 299; }

bool is_transient_status(int status) { return status >= 500 || status == 429 || status == 408 || status == 425; }

Kind kind_of(HttpError::Reason reason) {
  return reason == HttpError::Reason::redirect || reason == HttpError::Reason::request ? Kind::permanent
                                                                                       : Kind::transient;
}

void check_token(const FetchedToken& token, const std::string& name, std::size_t capacity, WallTime now) {
  if (token.value.size() > capacity) {
    throw SourceError(Kind::permanent, "token of " + std::to_string(token.value.size()) + " bytes exceeds capacity " +
                                           std::to_string(capacity) + "; raise tokens." + name + ".capacity");
  }
  if (token.expires_at <= now)
    throw SourceError(Kind::transient, "the token expired before the provider's answer was complete");
}

std::string fingerprint_of(const HttpRequest& request) {
  SecretString all(std::string(method_name(request.method)) + " ");
  const auto add = [&all](std::string_view text) {
    all.append(text);
    all.append("\n");
  };
  add(request.url.reveal());
  for (const HttpHeader& header : request.headers) {
    add(header.name);
    add(header.value.reveal());
  }
  add(request.body.reveal());
  return all.fingerprint();
}

}  // namespace jeton::agent
