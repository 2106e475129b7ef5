// What libjeton may hear from the agent's socket: HTTP and lines of JSON about a lock, cut anywhere, and the members
// that it looks for in them. The first byte says which, the second the state of the lock and where the bytes are cut.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char readers_of_the_client = 2;  // the first byte modulo this

// Empty, or what libjeton did that it must not: read behind the text, hold a lock that no agent granted, end with a
// reason that is no line of text.
[[nodiscard]] std::string try_agent_bytes(std::string_view input);

}  // namespace jeton::fuzz
