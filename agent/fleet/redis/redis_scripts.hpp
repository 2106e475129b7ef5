// The Lua scripts: the atomic steps inside Redis. scripts/NAME.lua has the text of each, with its contract (keys,
// arguments, reply). lock_*: for locks of applications; quorum_*: for one server of a quorum.
//
// All times in scripts are the server's (TIME). Numbers in Lua are doubles, exact below 2^53: microseconds since 1970
// stay below until the year 2255.
#pragma once

#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent::redis_scripts {

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
[[nodiscard]] const redis::Script& lock_acquire();
[[nodiscard]] const redis::Script& lock_force_release();
[[nodiscard]] const redis::Script& lock_show();
[[nodiscard]] const redis::Script& quorum_raise_fence();
[[nodiscard]] const redis::Script& quorum_fetches();
[[nodiscard]] const redis::Script& quorum_count_fetch();

}  // namespace jeton::agent::redis_scripts
