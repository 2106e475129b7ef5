// One text that has to do with secrets: templates, placeholders of requests, files of variables, keys of JWTs, and the
// metadata of an OAuth issuer, which says where secrets are sent. The first byte says which.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char readers_of_secrets = 8;  // the first byte modulo this

// Empty, or what a reader did that none may: throw anything but Error, show a secret, or accept what is none.
[[nodiscard]] std::string try_secret_text(std::string_view input);

}  // namespace jeton::fuzz
