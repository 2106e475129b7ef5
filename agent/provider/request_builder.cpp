#include "agent/provider/request_builder.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/ascii.hpp"
#include "agent/http/url.hpp"
#include "agent/provider/answer.hpp"
#include "agent/provider/egress.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {
namespace {

bool has_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const HttpHeader& header) { return equal_ignoring_case(header.name, name); });
}

HttpRequest::Method method_of(const std::string& name) {
  using Method = HttpRequest::Method;
  constexpr std::array methods{Method::get, Method::post, Method::put, Method::patch, Method::del};
  const auto found = std::find_if(methods.begin(), methods.end(), [&](Method m) { return method_name(m) == name; });
  return found == methods.end() ? Method::get : *found;
}

// With the type of the body, if the headers say nothing else. Empty: they do.
void set_body(HttpRequest& request, SecretString body, const char* content_type) {
  if (request.method == HttpRequest::Method::get) request.method = HttpRequest::Method::post;
  request.body = std::move(body);
  if (*content_type != '\0' && !has_header(request.headers, "Content-Type")) {
    request.headers.push_back({"Content-Type", SecretString(content_type)});
  }
}

// `key`: the place of the request in the configuration.
BuiltRequest build(const HttpRequestConfig& config, const HttpSourceConfig& source, const RequestTerms& terms,
                   const std::string& key) {
  const RequestScope scope(terms, &config);
  BuiltRequest built;
  HttpRequest& request = built.request;
  check_request_url(scope.url(), source.egress.allow_http, key + ".url");
  request.url = with_query(scope.url(), scope.query());
  request.display = display_url(config.url);
  request.method = method_of(config.method);
  for (const auto& [name, value] : config.headers) request.headers.push_back({name, scope.resolve(value, name)});
  if (!config.form.empty()) {
    set_body(request, encode_parameters(scope.form()), "application/x-www-form-urlencoded");
  } else if (config.json) {
    set_body(request, scope.body(), "application/json");
  } else if (config.body) {
    set_body(request, scope.body(), "");
  }
  request.max_body = source.response.max_body;
  request.made_of = scope.used_values();
  built.secrets = scope.resolver().take_secrets();
  apply_egress(request, source.egress, terms.tokens, built.secrets);
  return built;
}

}  // namespace

BuiltRequest build_request(const HttpSourceConfig& config, const RequestTerms& terms) {
  return build(config, config, terms, "source");
}

BuiltRequest build_revocation(const HttpSourceConfig& config, const RequestTerms& terms) {
  return build(*config.revocation, config, terms, "source.revocation");
}

}  // namespace jeton::agent
