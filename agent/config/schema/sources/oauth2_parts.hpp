// Parts of a source of type oauth2, each read in a file of its own.
#pragma once

#include "agent/config/model/sources/oauth2_config.hpp"
#include "agent/config/schema/object_reader.hpp"

namespace jeton::agent {

// grant and the section of each: refresh_token, jwt_bearer, token_exchange. False: there is no such grant.
bool read_oauth2_grant(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading);

// client_id, client_secret, client_auth, client_assertion, and those that the grant needs, if the grant is known.
void read_oauth2_client(ObjectReader& source, OAuth2SourceConfig& config, bool grant_known, Reading& reading);

// A JWT that is signed here or given. `section`: of which it is the value.
[[nodiscard]] AssertionConfig read_assertion(const ValueReader& section, Reading& reading);

}  // namespace jeton::agent
