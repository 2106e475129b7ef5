// The login to a Redis server or a sentinel.
#pragma once

#include <string>

#include "agent/base/secret.hpp"
#include "agent/fleet/redis/client/connection.hpp"

namespace jeton::agent::redis {

// AUTH, unless there is no password. `where` is put before the error, a ServerError if the server refuses.
Task<> log_in(Connection& connection, std::string where, SecretString username, SecretString password,
              BootTime deadline);

}  // namespace jeton::agent::redis
