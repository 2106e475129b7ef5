// One command on a connection of its own to a server on a unix socket.
#pragma once

#include <string>
#include <vector>

namespace jeton::test {

// The answer as `redis-cli --raw` prints it, without the last newline; empty if the server does not answer in
// `patience`. `words` may begin with -n and a database, as for redis-cli. It is asked in this process: tests ask so
// often that redis-cli, which is started for each command, took a twelfth of their CPU time.
[[nodiscard]] std::string redis_command(const std::string& socket, const std::vector<std::string>& words,
                                        const std::string& password = {});

}  // namespace jeton::test
