// The keys of tokens.NAME.source, by type; each part is read in a file of its own.
#pragma once

#include <optional>

#include "agent/config/model/sources/source_config.hpp"
#include "agent/config/schema/object_reader.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

// `type`, and what is of that type; calls finish().
[[nodiscard]] SourceConfig read_source(ObjectReader source, Reading& reading);

// What is of one type, without `type` and without finish(); NAME_schema.cpp.
[[nodiscard]] ExecSourceConfig read_exec_source(ObjectReader& source, Reading& reading);
[[nodiscard]] FileSourceConfig read_file_source(ObjectReader& source, Reading& reading);
[[nodiscard]] HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading);
[[nodiscard]] JwtSourceConfig read_jwt_source(ObjectReader& source, Reading& reading);
[[nodiscard]] OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading);

// Of a source of type oauth2.
// grant and the section of each: refresh_token, jwt_bearer, token_exchange. False: there is no such grant.
bool read_oauth2_grant(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading);

// client_id, client_secret, client_auth, client_assertion, and what of them the grant needs, if it is known.
void read_oauth2_client(ObjectReader& source, OAuth2SourceConfig& config, bool grant_known, Reading& reading);

// A JWT that is signed here or given. `section`: of which it is the value.
[[nodiscard]] AssertionConfig read_assertion(const ValueReader& section, Reading& reading);

// `response`: where the answer has its values, and what its errors mean.
// Any JSON may contain this.
[[nodiscard]] ResponseConfig read_response(ObjectReader response);

// And what only an answer by HTTP has: headers, cookies, another format of the body. `defaults`: of the places.
[[nodiscard]] ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults = {});

// The places of `response`: "/data/token", "header NAME", "cookie NAME", each maybe with " json /pointer" behind it;
// answer_place_schema.cpp.
// Which parts an answer has: a file and the output of a command are a body and nothing else.
enum class AnswerParts { body, http };

// Nothing, and a problem, if the text is no place of such an answer.
[[nodiscard]] std::optional<AnswerPlace> read_place(const ValueReader& value, AnswerParts parts);

// Of a value that is the name of a header alone.
[[nodiscard]] std::optional<AnswerPlace> read_header_place(const ValueReader& value);

// The private key with which a source signs.
// What the configuration can say now of a key that is there; check_secrets() reports one that is not.
void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm);

}  // namespace jeton::agent
