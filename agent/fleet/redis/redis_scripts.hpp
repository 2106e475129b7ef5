// What the fleet agrees on inside Redis: every step that must not be torn apart is a Lua script. The text of each, with
// its contract (keys, arguments, reply), stands in redis_scripts.cpp.
//
// All times in scripts are the server's (TIME). Numbers in Lua are doubles, exact below 2^53: microseconds since 1970
// stay below until the year 2255.
#pragma once

#include <string_view>

#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent::redis_scripts {

// A script whose text may say fence_limit(time) and readable(record).
[[nodiscard]] redis::Script with_limits(std::string_view text);
// One that may say kept_calls(key, now), count_of(text) and digits(number).
[[nodiscard]] redis::Script counting(std::string_view text);
// The limits, and how a lock is taken and its fence drawn.
[[nodiscard]] redis::Script taking_a_lock(std::string_view text);

[[nodiscard]] const redis::Script& acquire();
[[nodiscard]] const redis::Script& renew();
[[nodiscard]] const redis::Script& release();
[[nodiscard]] const redis::Script& admit();
[[nodiscard]] const redis::Script& publish();
[[nodiscard]] const redis::Script& replace();
[[nodiscard]] const redis::Script& load();
[[nodiscard]] const redis::Script& check_type();
[[nodiscard]] const redis::Script& pause();
[[nodiscard]] const redis::Script& resume();
[[nodiscard]] const redis::Script& restore_usage();
[[nodiscard]] const redis::Script& usage();

}  // namespace jeton::agent::redis_scripts
