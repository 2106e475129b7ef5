// What a hostile Redis server may answer to the production clients: to the parser, to a connection, to a client, to a
// subscriber, to the runner of a Cluster, to a resolver that asks sentinels, and to a coordinator. The first byte says
// to which, the second where the bytes are split.
//
// To a client that asks and waits, the text is answers in their order with 0xFF between them: each write of the client
// gets the next one, and the connection ends after the last. So a greeting can be passed, and a command be answered by
// anything.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char clients_of_redis = 8;  // the first byte modulo this

// Empty, or what a client did that it must not: throw anything but TransportError, keep a command waiting past its
// deadline, depend on where the bytes were split, show a password, or take more than its limits.
[[nodiscard]] std::string try_redis_answers(std::string_view input);

}  // namespace jeton::fuzz
