#include "agent/source/http_source.hpp"

#include <utility>

#include "agent/source/request_builder.hpp"
#include "agent/source/response_parser.hpp"
#include "agent/source/wire_time.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

// A status that says "later", not "wrong".
bool is_transient(int status) { return status >= 500 || status == 429 || status == 408 || status == 425; }

Kind kind_of(HttpError::Reason reason) {
  return reason == HttpError::Reason::redirect || reason == HttpError::Reason::request ? Kind::permanent
                                                                                       : Kind::transient;
}

std::string advice(int status) {
  switch (status) {
    case 400:
    case 401:
    case 403:
      return "; check the credentials and parameters of the source";
    case 404:
    case 405:
    case 410:
      return "; check source.url and source.method";
    case 429:
      return "; the provider's rate limit is reached";
    default:
      return "";
  }
}

// Any status but 2xx.
[[noreturn]] void refuse_status(const HttpResponse& response, const BuiltRequest& sent, const ResponseConfig& config,
                                WallTime now) {
  const std::string text = sent.request.display + " answered " + std::to_string(response.status);
  if (response.status >= 300 && response.status < 400) {
    throw SourceError(Kind::permanent,
                      text + ", a redirect; set source.url to where it leads, or source.max_redirects");
  }
  const auto said = provider_error(response.body.reveal(), config, sent.secrets);
  const Kind kind = is_transient(response.status) ? Kind::transient : Kind::permanent;
  throw SourceError(kind, text + (said ? " (" + *said + ")" : "") + advice(response.status),
                    kind == Kind::transient ? parse_retry_after(response.retry_after, now) : std::nullopt);
}

std::string fingerprint_of(const HttpRequest& request) {
  SecretString all(request.method == HttpRequest::Method::post ? "POST " : "GET ");
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

}  // namespace

HttpSource::HttpSource(std::string name, HttpSourceConfig config, std::size_t capacity, HttpTransport& transport,
                       const Clock& clock, const TokenValues& tokens)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      display_(display_url(config_)),
      transport_(transport),
      clock_(clock),
      tokens_(tokens) {}

Task<FetchedToken> HttpSource::fetch(FetchContext /*context*/) {
  BuiltRequest sent;
  try {
    sent = build_request(config_, tokens_);
  } catch (const Error& e) {
    // Transient: a secret file that is missing now may be there at the next attempt.
    throw SourceError(Kind::transient, std::string("the request cannot be made: ") + e.what());
  }
  try {
    co_return co_await fetch_by(sent);
  } catch (SourceError& e) {
    e.set_request(fingerprint_of(sent.request));
    throw;
  }
}

Task<FetchedToken> HttpSource::fetch_by(const BuiltRequest& sent) {
  const WallTime sent_at = clock_.wall_now();
  HttpResponse response;
  try {
    response = co_await transport_.perform(sent.request);
  } catch (const HttpError& e) {
    throw SourceError(kind_of(e.reason()), e.what());
  }
  const WallTime now = clock_.wall_now();
  if (response.status < 200 || response.status > 299) refuse_status(response, sent, config_.response, now);

  FetchedToken token = parse_token_response(response.body.reveal(), config_.response, sent_at, sent.secrets);
  if (token.value.size() > capacity_) {
    throw SourceError(Kind::permanent, "token of " + std::to_string(token.value.size()) + " bytes exceeds capacity " +
                                           std::to_string(capacity_) + "; raise tokens." + name_ + ".capacity");
  }
  if (token.expires_at <= now)
    throw SourceError(Kind::transient, "the token had run out before its answer was complete");
  co_return token;
}

std::string HttpSource::fingerprint() const {
  try {
    return fingerprint_of(build_request(config_, tokens_).request);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace jeton::agent
