#include "agent/source/request_builder.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "agent/http/url.hpp"
#include "agent/source/egress.hpp"
#include "agent/source/secret_resolver.hpp"

namespace jeton::agent {
namespace {

bool has_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [name](const HttpHeader& header) {
    return std::equal(name.begin(), name.end(), header.name.begin(), header.name.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  });
}

void set_body(HttpRequest& request, SecretString body, std::string_view content_type) {
  request.method = HttpRequest::Method::post;
  request.body = std::move(body);
  if (!has_header(request.headers, "Content-Type")) {
    request.headers.push_back({"Content-Type", SecretString(content_type)});
  }
}

// `key`: where the request stands in the configuration.
BuiltRequest build(const HttpRequestConfig& config, const HttpSourceConfig& source, const TokenValues& tokens,
                   const std::string& key) {
  SecretResolver resolver(tokens);
  BuiltRequest built;
  HttpRequest& request = built.request;
  const SecretString url = resolver.resolve(config.url, "url");
  check_request_url(url, source.egress.allow_http, key + ".url");
  request.url = with_query(url, resolver.resolve(config.query));
  request.display = display_url(config.url);
  request.method = config.method == "POST"     ? HttpRequest::Method::post
                   : config.method == "DELETE" ? HttpRequest::Method::del
                                               : HttpRequest::Method::get;
  for (auto& [name, value] : resolver.resolve(config.headers)) request.headers.push_back({name, std::move(value)});
  if (!config.form.empty()) {
    set_body(request, encode_parameters(resolver.resolve(config.form)), "application/x-www-form-urlencoded");
  } else if (config.json) {
    resolver.remember_strings(*config.json, "");
    set_body(request, config.json->resolve(&tokens), "application/json");
  }
  request.max_body = source.response.max_body;
  built.secrets = resolver.take_secrets();
  apply_egress(request, source.egress, tokens, built.secrets);
  return built;
}

}  // namespace

BuiltRequest build_request(const HttpSourceConfig& config, const TokenValues& tokens) {
  return build(config, config, tokens, "source");
}

BuiltRequest build_revocation(const HttpSourceConfig& config, const TokenValues& tokens) {
  return build(*config.revocation, config, tokens, "source.revocation");
}

}  // namespace jeton::agent
