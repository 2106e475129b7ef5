// The keys of tokens.NAME.source, by type; each part is read in a file of its own.
#pragma once

#include <optional>

#include "agent/config/model/sources/source_config.hpp"
#include "agent/config/schema/value_reader.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

// Reads `type` and the keys of that type; calls finish().
[[nodiscard]] SourceConfig read_source(ObjectReader source, Reading& reading);

// Each reads the keys of one type, without `type` and without finish(); NAME_schema.cpp.
[[nodiscard]] ExecSourceConfig read_exec_source(ObjectReader& source, Reading& reading);
[[nodiscard]] FileSourceConfig read_file_source(ObjectReader& source, Reading& reading);
[[nodiscard]] HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading);
[[nodiscard]] JwtSourceConfig read_jwt_source(ObjectReader& source, Reading& reading);
[[nodiscard]] OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading);

// For a source of type oauth2: reads grant and the section of each grant (refresh_token, jwt_bearer, token_exchange).
// False: there is no such grant.
bool read_oauth2_grant(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading);

// client_id, client_secret, client_auth, client_assertion, and those that the grant needs, if the grant is known.
void read_oauth2_client(ObjectReader& source, OAuth2SourceConfig& config, bool grant_known, Reading& reading);

// Reads a JWT that is signed here or given. `section`: the section that holds it.
[[nodiscard]] AssertionConfig read_assertion(const ValueReader& section, Reading& reading);

// Reads `response`: the places of the values in the answer, and the meaning of its errors. Only places that any JSON
// can have.
[[nodiscard]] ResponseConfig read_response(ObjectReader response);

// The same with the places that only an HTTP answer has: headers, cookies, other body formats. `defaults`: the default
// places.
[[nodiscard]] ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults = {});

// The places of `response`: "/data/token", "header NAME", "cookie NAME", each maybe with " json /pointer" behind it;
// answer_place_schema.cpp.
// The parts of an answer: a file and the output of a command have only a body.
enum class AnswerParts { body, http };

// Nothing, and a problem, if the text does not name a place of such an answer.
[[nodiscard]] std::optional<AnswerPlace> read_place(const ValueReader& value, AnswerParts parts);

// For a value that is only the name of a header.
[[nodiscard]] std::optional<AnswerPlace> read_header_place(const ValueReader& value);

// Checks the private key with which a source signs, if it can be read now; check_secrets() reports a key that cannot.
void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm);

}  // namespace jeton::agent
