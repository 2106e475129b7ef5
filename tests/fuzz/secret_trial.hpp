// One text that has to do with secrets: templates, placeholders of requests, files of variables, keys of JWTs, and the
// metadata of an OAuth issuer, which says where secrets are sent. The first byte says which.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char readers_of_secrets = 8;  // the first byte modulo this

// Empty, or the fault of a reader: an exception other than Error, a secret that is shown, a text that is accepted and
// must not be.
[[nodiscard]] std::string try_secret_text(std::string_view input);

}  // namespace jeton::fuzz
