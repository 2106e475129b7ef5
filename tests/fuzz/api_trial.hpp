// What a client of this host may send to the local API: to a production connection over a socket, cut anywhere. The
// first byte says how the bytes become requests, the second where they are cut and who sends them.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char forms_of_requests = 4;  // the first byte modulo this

// Empty, or what the connection did that it must not: answer with what is not HTTP or with a 500, keep a connection
// or a lock after its client has gone.
[[nodiscard]] std::string try_api_request(std::string_view input);

}  // namespace jeton::fuzz
