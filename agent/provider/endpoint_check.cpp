#include "agent/provider/endpoint_check.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/text/http_url.hpp"
#include "agent/provider/request_builder.hpp"
#include "agent/provider/wire_time.hpp"

namespace jeton::agent {
namespace {

constexpr Milliseconds probe_timeout{5'000};
constexpr Milliseconds probe_connect_timeout{4'000};
constexpr Milliseconds noticeable_skew = std::chrono::seconds(30);
constexpr Milliseconds alarming_skew = std::chrono::minutes(5);  // signed requests are refused then

HttpRequest probe_of(const SecretString& url, const EgressConfig& egress, const TokenValues& tokens) {
  HttpUrl root = parse_http_url(url.reveal());
  root.path = "/";
  HttpRequest probe;
  probe.method = HttpRequest::Method::head;
  probe.display = root.display();
  probe.url = SecretString(probe.display);
  std::vector<SecretString> secrets;
  apply_egress(probe, egress, tokens, secrets);
  probe.timeout = std::min(probe.timeout, probe_timeout);
  probe.connect_timeout = std::min(probe.connect_timeout, probe_connect_timeout);
  probe.max_redirects = 0;
  return probe;
}

std::string command_for(HttpError::Reason reason, const HttpUrl& url) {
  const std::string at = url.host + ":" + std::to_string(url.port);
  switch (reason) {
    case HttpError::Reason::resolve:
      return "getent hosts " + url.host;
    case HttpError::Reason::tls:
      return "openssl s_client -connect " + at + " -servername " + url.host + " </dev/null";
    default:
      return "curl -sSI " + url.display();
  }
}

std::optional<WallTime> date_in(const HttpResponse& response, WallTime now) {
  const SecretString* const date = find_header(response.headers, "Date");
  return date == nullptr ? std::nullopt : parse_http_date(date->reveal(), now);
}

}  // namespace

std::optional<HttpRequest> endpoint_probe(const SourceConfig& source, const TokenValues& tokens) {
  if (const auto* http = source_as<HttpSourceConfig>(source)) {
    return probe_of(http->url.resolve(&tokens), http->egress, tokens);
  }
  if (const auto* oauth2 = source_as<OAuth2SourceConfig>(source)) {
    const SecretString url = oauth2->issuer.empty() ? oauth2->token_url.resolve(&tokens) : SecretString(oauth2->issuer);
    return probe_of(url, oauth2->egress, tokens);
  }
  return std::nullopt;
}

Finding judge_provider_clock(const std::string& subject, WallTime date, WallTime sent, WallTime now) {
  constexpr Milliseconds grain = std::chrono::seconds(1);  // of the header
  Finding finding;
  finding.subject = subject;
  // It was written between the two, at any moment of its second.
  const Milliseconds ahead = std::max(date - now, Milliseconds{0});
  const Milliseconds behind = std::max(sent - (date + grain), Milliseconds{0});
  const Milliseconds skew = std::max(ahead, behind);
  if (skew < noticeable_skew) {
    finding.text = "its clock and this host's agree";
    return finding;
  }
  finding.level = skew < alarming_skew ? Finding::Level::warning : Finding::Level::problem;
  finding.text = "its clock is " + std::to_string(skew / std::chrono::seconds(1)) + "s " +
                 (ahead > behind ? "ahead of" : "behind") +
                 " this host's: times of expiry, signatures and JWTs may be wrong";
  finding.remedy = "timedatectl status";
  return finding;
}

Task<Findings> examine_endpoint(HttpRequest probe, HttpTransport& http, const Clock& clock) {
  Findings found;
  const std::string subject = "provider " + probe.display;
  const HttpUrl url = parse_http_url(probe.display);
  const WallTime sent = clock.wall_now();
  HttpResponse response;
  std::optional<HttpError> failure;
  try {
    response = co_await http.perform(std::move(probe));
  } catch (const HttpError& e) {
    failure = e;
    response = e.received();
  }
  const WallTime now = clock.wall_now();
  // An answer that is cut off shows the way all the same.
  if (failure && response.status == 0) {
    found.push_back({Finding::Level::problem, subject, failure->what(), command_for(failure->reason(), url)});
    co_return found;
  }
  found.push_back({Finding::Level::ok, subject,
                   (url.tls ? "answers over a trusted TLS connection" : "answers, without TLS") +
                       std::string(" within ") + std::to_string((now - sent).count()) + "ms"});
  if (const auto date = date_in(response, now)) {
    found.push_back(judge_provider_clock(subject, *date, sent, now));
  } else {
    found.push_back({Finding::Level::ok, subject, "does not tell its time, so the clocks were not compared"});
  }
  co_return found;
}

}  // namespace jeton::agent
