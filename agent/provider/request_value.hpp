// The functions of the named values of a request (RequestValue). Pure functions, any thread.
#pragma once

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/request_config.hpp"

namespace jeton::agent {

// The result of the function of `value` for a text and a key. Throws Error, without any of them, for an unsuitable key.
[[nodiscard]] SecretString apply_function(const RequestValue& value, const SecretString& text, const SecretString& key);

}  // namespace jeton::agent
