// The functions of the named values of a request (RequestValue). Pure functions, any thread.
#pragma once

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/request_config.hpp"

namespace jeton::agent {

// What the function of `value` makes of a text and a key. Throws Error, without any of them: a key that does not suit.
[[nodiscard]] SecretString apply_function(const RequestValue& value, const SecretString& text, const SecretString& key);

}  // namespace jeton::agent
