#include "agent/source/request_builder.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "agent/config/http_url.hpp"
#include "agent/config/secret_check.hpp"
#include "agent/http/url.hpp"
#include "agent/source/egress.hpp"

namespace jeton::agent {
namespace {

// Resolves templates and remembers what of them is secret: every reference, and a literal under a name that sounds so.
class Resolver {
 public:
  explicit Resolver(const TokenValues& tokens) : tokens_(tokens) {}

  SecretString resolve(const SecretTemplate& text, std::string_view name) {
    SecretString out;
    for (const SecretTemplate::Part& part : text.parts()) {
      if (part.kind == SecretTemplate::Part::Kind::literal) {
        if (sounds_secret(name)) remember(SecretString(part.text));
        out.append(part.text);
      } else {
        const SecretString secret = SecretTemplate({part}).resolve(&tokens_);
        remember(secret);
        out.append(secret.reveal());
      }
    }
    return out;
  }

  Parameters resolve(const std::map<std::string, SecretTemplate>& templates) {
    Parameters parameters;
    for (const auto& [name, text] : templates) parameters.emplace_back(name, resolve(text, name));
    return parameters;
  }

  // The strings of a JSON body; the document itself is JsonTemplate's to write.
  void remember_strings(const JsonTemplate& json, std::string_view name) {
    if (const auto* text = std::get_if<SecretTemplate>(&json.value())) {
      static_cast<void>(resolve(*text, name));
    } else if (const auto* array = std::get_if<JsonTemplate::Array>(&json.value())) {
      for (const JsonTemplate& item : *array) remember_strings(item, name);
    } else if (const auto* object = std::get_if<JsonTemplate::Object>(&json.value())) {
      for (const auto& [key, item] : *object) remember_strings(item, key);
    }
  }

  std::vector<SecretString> take_secrets() { return std::move(secrets_); }

 private:
  void remember(SecretString secret) {
    SecretString encoded = percent_encoded(secret.reveal());
    if (encoded.size() != secret.size()) secrets_.push_back(std::move(encoded));
    secrets_.push_back(std::move(secret));
  }

  const TokenValues& tokens_;
  std::vector<SecretString> secrets_;
};

void check_url(const SecretString& text, bool allow_http) {
  HttpUrl url;
  try {
    url = parse_http_url(text.reveal());
  } catch (const Error& e) {
    throw Error(std::string("source.url: ") + e.what());
  }
  if (!url.tls && !url.loopback() && !allow_http) {
    throw Error("source.url is http:// to " + url.host +
                ", which would show its secrets to the network; use https:// or set source.allow_http");
  }
}

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

}  // namespace

BuiltRequest build_request(const HttpSourceConfig& config, const TokenValues& tokens) {
  Resolver resolver(tokens);
  BuiltRequest built;
  HttpRequest& request = built.request;
  const SecretString url = resolver.resolve(config.url, "url");
  check_url(url, config.egress.allow_http);
  request.url = with_query(url, resolver.resolve(config.query));
  request.display = display_url(config);
  request.method = config.method == "POST" ? HttpRequest::Method::post : HttpRequest::Method::get;
  for (auto& [name, value] : resolver.resolve(config.headers)) request.headers.push_back({name, std::move(value)});
  if (!config.form.empty()) {
    set_body(request, encode_parameters(resolver.resolve(config.form)), "application/x-www-form-urlencoded");
  } else if (config.json) {
    resolver.remember_strings(*config.json, "");
    set_body(request, config.json->resolve(&tokens), "application/json");
  }
  request.max_body = config.response.max_body;
  built.secrets = resolver.take_secrets();
  apply_egress(request, config.egress, tokens, built.secrets);
  return built;
}

std::string display_url(const HttpSourceConfig& config) {
  std::string text;
  for (const SecretTemplate::Part& part : config.url.parts()) {
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
