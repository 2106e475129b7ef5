// What a client of this host may send to the local API: to a production connection over a socket, cut anywhere. The
// first byte says how the bytes become requests, the second where they are cut and who sends them.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char forms_of_requests = 4;  // the first byte modulo this

// Empty, or the fault of the connection: an answer that is not HTTP, an answer 500, a connection or a lock that
// outlives its client.
[[nodiscard]] std::string try_api_request(std::string_view input);

}  // namespace jeton::fuzz
