#include "agent/config/schema/sources/request_schema.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), ascii_lower);
  return text;
}

// A token of RFC 9110 section 5.6.2.
bool is_header_name(const std::string& name) {
  return name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
           return is_ascii_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
         });
}

void warn_of_literal_secrets_in_query(const ValueReader& value, const SecretTemplate& url) {
  for (const SecretTemplate::Part& part : url.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) continue;
    for (std::size_t at = part.text.find_first_of("?&"); at != std::string::npos; at = part.text.find('&', at + 1)) {
      const std::string pair = part.text.substr(at + 1, part.text.find('&', at + 1) - at - 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string::npos && equals + 1 < pair.size() && sounds_secret(pair.substr(0, equals))) {
        value.warning(value.path() + " holds a literal secret (" + in_quotes(pair.substr(0, equals)) +
                      "); move it to source.query as ${file:PATH} or ${credential:NAME}");
      }
    }
  }
}

void check_url(const ValueReader& value, const SecretTemplate& url, bool allow_http) {
  SecretString resolved;
  try {
    resolved = url.resolve();
  } catch (const Error&) {
    return;  // check_secrets() says so
  }
  try {
    const HttpUrl parts = parse_http_url(resolved.reveal());
    if (!parts.tls && !parts.loopback() && !allow_http) {
      value.error(value.path() +
                  ": http:// sends the token and its secrets in the clear; use https://, or set "
                  "source.allow_http: true");
    }
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
}

}  // namespace

std::optional<SecretTemplate> read_url(const ValueReader& value, bool allow_http) {
  auto url = value.secret();
  if (url && url->empty()) value.error(value.path() + " is empty");
  if (!url || url->empty()) return std::nullopt;
  check_url(value, *url, allow_http);
  warn_of_literal_secrets_in_query(value, *url);
  return url;
}

std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields, SecretUse use) {
  std::map<std::string, SecretTemplate> result;
  for (const Member& member : fields.members()) {
    if (auto value = member.value.secret(use)) result.emplace(member.name, std::move(*value));
  }
  return result;
}

ParameterTemplates read_parameters(const ValueReader& fields) {
  ParameterTemplates result;
  for (const Member& member : fields.members()) {
    auto values = member.value.secrets();
    if (!values.empty()) result.emplace(member.name, std::move(values));
  }
  return result;
}

bool is_header(const std::string& name, std::string_view lower_case_name) {
  return lower_case(name) == lower_case_name;
}

std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading) {
  constexpr std::array<std::string_view, 4> reserved{"content-length", "transfer-encoding", "connection", "host"};
  auto result = read_fields(headers, SecretUse::header);
  if (reading.paths != nullptr) return result;
  std::set<std::string> seen;
  for (const Member& member : headers.members()) {
    const std::string name = lower_case(member.name);
    const auto refuse = [&](const std::string& why) {
      reading.problems.error(member.place, "header " + in_quotes(member.name) + why);
    };
    if (!is_header_name(name)) refuse(" is not the name of a header");
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) refuse(" is set by the agent itself");
    if (!seen.insert(name).second) refuse(" is set twice; case does not matter in the name of a header");
  }
  return result;
}

}  // namespace jeton::agent
