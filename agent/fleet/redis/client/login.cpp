#include "agent/fleet/redis/client/login.hpp"

namespace jeton::agent::redis {

Task<> log_in(Connection& connection, std::string where, SecretString username, SecretString password,
              BootTime deadline) {
  if (password.empty()) co_return;
  Command auth =
      username.empty() ? Command({"AUTH", password.reveal()}) : Command({"AUTH", username.reveal(), password.reveal()});
  const Reply reply = co_await connection.command(std::move(auth), deadline);
  if (reply.is_error()) throw ServerError(where, reply.text.reveal(), {&password, 1});
}

}  // namespace jeton::agent::redis
