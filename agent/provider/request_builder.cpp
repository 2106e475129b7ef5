#include "agent/provider/request_builder.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/http/url.hpp"

namespace jeton::agent {
namespace {

// User and password as they are in the URL, together and each by itself.
void remember_credentials(std::string_view url, std::vector<SecretString>& secrets) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t at = url.rfind('@');
  if (at == std::string_view::npos || at < begin) return;
  const std::string_view userinfo = url.substr(begin, at - begin);
  secrets.emplace_back(userinfo);
  const std::size_t colon = userinfo.find(':');
  if (colon != std::string_view::npos && colon + 1 < userinfo.size()) secrets.emplace_back(userinfo.substr(colon + 1));
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
  if (*content_type != '\0' && find_header(request.headers, "Content-Type") == nullptr) {
    request.headers.push_back({"Content-Type", SecretString(content_type)});
  }
}

// `key`: the place of the request in the configuration.
BuiltRequest build(const HttpRequestConfig& config, const HttpSourceConfig& source, const RequestTerms& terms,
                   const std::string& key) {
  const RequestScope scope(terms, &config);
  BuiltRequest built;
  HttpRequest& request = built.request;
  check_request_url(scope.url(), source.egress, key + ".url");
  request.url = with_query(scope.url(), scope.query());
  request.display = display_url(config.url);
  request.method = method_of(config.method);
  for (const auto& [name, value] : config.headers) {
    request.headers.push_back({name, scope.resolver().resolve(value, name)});
  }
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

void apply_egress(HttpRequest& request, const EgressConfig& config, const TokenValues& tokens,
                  std::vector<SecretString>& secrets) {
  request.connect_timeout = config.connect_timeout;
  request.timeout = config.timeout;
  request.max_redirects = config.max_redirects;
  HttpRoute& route = request.route;
  route.proxy_use = config.proxy_use;
  if (config.proxy_use == ProxyUse::given) {
    route.proxy = config.proxy.resolve(&tokens);
    try {
      static_cast<void>(parse_proxy_url(route.proxy.reveal()));
    } catch (const Error& e) {
      throw Error(std::string("source.proxy: ") + e.what());
    }
    remember_credentials(route.proxy.reveal(), secrets);
  }
  route.no_proxy = config.no_proxy;
  route.tls = config.tls;
  route.ip = config.ip;
  route.http_version = config.http_version;
  route.resolve = config.resolve;
  route.user_agent = config.user_agent;
  request.secrets = secrets;
}

void check_request_url(const SecretString& text, const EgressConfig& egress, const std::string& key) {
  HttpUrl url;
  try {
    url = parse_http_url(text.reveal());
  } catch (const Error& e) {
    throw Error(key + ": " + e.what());
  }
  if (const std::string way = way_in_the_clear(url, egress); !way.empty()) {
    throw Error(key + " is http:// to " + url.host + ", which sends its secrets in the clear " + way +
                "; use https:// or set source.allow_http");
  }
}

std::string display_url(const SecretTemplate& url) {
  std::string text;
  for (const SecretTemplate::Part& part : url.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) {
      text += SecretTemplate::reference_text(part);
      continue;
    }
    const std::size_t end = part.text.find_first_of("?#");
    text += part.text.substr(0, end);
    if (end != std::string::npos) break;
  }
  return text;
}

}  // namespace jeton::agent
