#include "agent/source/http_source.hpp"

#include <utility>

#include "agent/source/answer.hpp"
#include "agent/source/request_builder.hpp"
#include "agent/source/response_parser.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {

HttpSource::HttpSource(std::string name, HttpSourceConfig config, std::size_t capacity, HttpTransport& transport,
                       const Clock& clock, const TokenValues& tokens)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      display_(display_url(config_.url)),
      transport_(transport),
      clock_(clock),
      tokens_(tokens) {}

Task<FetchedToken> HttpSource::fetch(FetchContext /*context*/) {
  BuiltRequest sent;
  try {
    sent = build_request(config_, tokens_);
  } catch (const Error& e) {
    // Transient: a secret file that is missing now may be there at the next attempt.
    throw SourceError(SourceError::Kind::transient, std::string("the request cannot be made: ") + e.what());
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
  if (response.status < 200 || response.status > 299) {
    const auto said = provider_error(response.body.reveal(), config_.response, sent.secrets);
    refuse_status(response, sent.request.display, said, now);
  }

  FetchedToken token = parse_token_response(response.body.reveal(), config_.response, sent_at, sent.secrets);
  check_token(token, name_, capacity_, now);
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
