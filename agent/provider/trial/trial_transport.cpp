#include "agent/provider/trial/trial_transport.hpp"

#include <ostream>

#include "agent/config/text/http_url.hpp"
#include "agent/provider/answer.hpp"
#include "agent/provider/answer/content_coding.hpp"
#include "agent/provider/source.hpp"
#include "agent/provider/trial/redaction.hpp"

namespace jeton::agent {
namespace {

void show_request(const HttpRequest& request, std::ostream& out) {
  const HttpRoute& route = request.route;
  out << "> " << method_name(request.method) << ' ' << shown_url(request.url.reveal(), request.secrets, Direction::sent)
      << '\n';
  out << "> User-Agent: " << (route.user_agent.empty() ? "jeton/" JETON_VERSION : route.user_agent) << '\n';
  for (const HttpHeader& header : request.headers) {
    out << "> " << shown_header(header.name, header.value.reveal(), request.secrets, Direction::sent) << '\n';
  }
  if (!request.body.empty()) {
    out << ">\n> " << shown_body(request.body.reveal(), request.secrets, Direction::sent) << '\n';
  }
  for (const auto& [name, value] : request.made_of) {
    out << "  value " << name << ": " << shown_text(value.reveal(), request.secrets) << '\n';
  }
  if (route.proxy_use == ProxyUse::given) {
    out << "  through the proxy " << parse_proxy_url(route.proxy.reveal()).display() << '\n';
  }
  if (!route.tls.cert_file.empty()) out << "  with the client certificate " << route.tls.cert_file.string() << '\n';
  out << std::endl;
}

// The decoded body, or the body as it came if it cannot be decoded; the source reports the reason.
SecretString readable_body(const HttpResponse& response, const HttpRequest& request) {
  try {
    return decoded_body(response, request.max_body);
  } catch (const SourceError&) {
    return response.body;
  }
}

void show_response(const HttpResponse& response, const HttpRequest& request, std::ostream& out) {
  out << "< " << response.status << '\n';
  for (const HttpHeader& header : response.headers) {
    out << "< " << shown_header(header.name, header.value.reveal(), request.secrets, Direction::received) << '\n';
  }
  if (!response.body.empty()) {
    out << "<\n< " << shown_body(readable_body(response, request).reveal(), request.secrets, Direction::received)
        << '\n';
  }
  out << std::endl;
}

}  // namespace

Task<HttpResponse> TrialTransport::perform(HttpRequest request) {
  show_request(request, out_);
  if (next_ == nullptr) throw NotSent();
  HttpResponse response = co_await next_->perform(request);
  show_response(response, request, out_);
  co_return response;
}

}  // namespace jeton::agent
