// The keys of tokens.NAME.source, by type, and the parts that several types have.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

// Reads `type` and the keys of that type; calls finish().
[[nodiscard]] SourceConfig read_source(ObjectReader source, Reading& reading);

// Each reads the keys of one type, without `type` and without finish(); NAME_schema.cpp.
[[nodiscard]] HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading);
[[nodiscard]] OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading);

// client_id, client_secret, client_auth, client_assertion, and those that the grant needs, if the grant is known;
// oauth2_client_schema.cpp.
void read_oauth2_client(ObjectReader& source, OAuth2SourceConfig& config, bool grant_known, Reading& reading);

// Reads a JWT that is signed here or given. `section`: the section that holds it. oauth2_client_schema.cpp.
[[nodiscard]] AssertionConfig read_assertion(const ValueReader& section, Reading& reading);

// Reads `response`: the places of the values in the answer, and the meaning of its errors. Only places that any JSON
// can have. response_schema.cpp.
[[nodiscard]] ResponseConfig read_response(ObjectReader response);

// The same with the places that only an HTTP answer has: headers, cookies, other body formats. `defaults`: the default
// places.
[[nodiscard]] ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults = {});

// Time limits, proxy, TLS: keys beside the others of the source; request_schema.cpp.
[[nodiscard]] EgressConfig read_egress(ObjectReader& source);

// An http or https URL without a fragment, to which no request goes in the clear (way_in_the_clear).
[[nodiscard]] std::optional<SecretTemplate> read_url(const ValueReader& value, const EgressConfig& egress);

[[nodiscard]] std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields,
                                                                SecretUse use = SecretUse::any);

// Names, each with a value or a list of them.
[[nodiscard]] ParameterTemplates read_parameters(const ValueReader& fields);

[[nodiscard]] std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading);

// A token of RFC 9110 section 5.6.2, which names of headers and cookies are.
[[nodiscard]] bool is_field_name(std::string_view name);

// The text as it is now. Nothing if that is not known yet, or cannot be read: check_secrets() says so.
[[nodiscard]] std::optional<SecretString> resolved_now(const SecretTemplate& text);

// A key to sign with, as read from `value`. Warns of a literal.
[[nodiscard]] SecretTemplate read_key(const ValueReader& value, std::optional<SecretTemplate> key);
// Checks the private key with which a source signs, if it can be read now.
void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm);

// Permits `references` while this object lives.
class RequestPlace {
 public:
  RequestPlace(Reading& reading, const RequestReferences& references) : reading_(reading) {
    reading_.request = &references;
  }
  ~RequestPlace() { reading_.request = nullptr; }
  RequestPlace(const RequestPlace&) = delete;
  RequestPlace& operator=(const RequestPlace&) = delete;

 private:
  Reading& reading_;
};

template <typename List, typename Value>
[[nodiscard]] bool lists(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace jeton::agent
