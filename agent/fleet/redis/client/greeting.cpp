#include "agent/fleet/redis/client/greeting.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/fleet/redis/client/login.hpp"

namespace jeton::agent::redis {
namespace {

constexpr const char* is_a_sentinel =
    "a Sentinel, not a Redis server: name it in coordination.redis.sentinel.endpoints, and the primary that it watches "
    "in coordination.redis.sentinel.master";
constexpr const char* is_named_by_a_sentinel =
    "a Sentinel, not a Redis server, though a sentinel names it as the primary: look at `sentinel monitor` in "
    "sentinel.conf";

// The server answers so to everything.
bool is_of_no_use(const ServerError& refusal) {
  static constexpr std::string_view codes[] = {"NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "BUSY", "DENIED"};
  if (refusal.answer().find("max number of clients") != std::string::npos) return true;
  return std::find(std::begin(codes), std::end(codes), refusal.code()) != std::end(codes);
}

// The value of the line "run_id:..."; empty if there is none.
std::string run_id_in(std::string_view info) {
  constexpr std::string_view field = "run_id:";
  auto at = info.find(field);
  while (at != std::string_view::npos && at != 0 && info[at - 1] != '\n') at = info.find(field, at + 1);
  if (at == std::string_view::npos) return {};
  info.remove_prefix(at + field.size());
  return std::string(info.substr(0, info.find_first_of("\r\n")));
}

// Names and values by turns.
std::string mode_in(const Reply& hello) {
  const auto is = [](const Reply& text, std::string_view name) {
    return text.type == Reply::Type::string && text.text.reveal() == name;
  };
  for (std::size_t i = 0; i + 1 < hello.elements.size(); i += 2) {
    const Reply& value = hello.elements[i + 1];
    if (is(hello.elements[i], "mode") && value.type == Reply::Type::string) return std::string(value.text.reveal());
  }
  return {};
}

class Greeter {
 public:
  Greeter(Connection& connection, const std::string& display, BootTime deadline)
      : connection_(connection), display_(display), deadline_(deadline) {}

  Task<Reply> need(Command command) {
    Reply reply = co_await ask(std::move(command));
    if (reply.is_error()) throw ServerError(display_, reply.text.reveal());
    co_return reply;
  }

  // An error reply is returned, unless the server is of no use.
  Task<Reply> try_to(Command command) {
    Reply reply = co_await ask(std::move(command));
    if (!reply.is_error()) co_return reply;
    refusal_.emplace(display_, reply.text.reveal());
    if (is_of_no_use(*refusal_)) throw ServerError(*refusal_);
    co_return reply;
  }

 private:
  // A server that says no and closes the connection has said why.
  Task<Reply> ask(Command command) {
    try {
      co_return co_await connection_.command(std::move(command), deadline_);
    } catch (const TransportError&) {
      if (refusal_) throw ServerError(*refusal_);
      throw;
    }
  }

  Connection& connection_;
  const std::string& display_;
  BootTime deadline_;
  std::optional<ServerError> refusal_;  // the last one
};

// A server that was the primary a moment ago would refuse our writes, or worse, accept them and lose them.
Task<> check_role(Greeter& greeter) {
  Command ask({"ROLE"});
  const Reply role = co_await greeter.need(std::move(ask));  // +role is needed with sentinels
  if (role.at(0).as_text() != "master") throw TransportError("the server is not the primary (any more)");
}

Task<> identify(Greeter& greeter, const ConnectOptions& options) {
  Command ask({"INFO", "server"});
  const Reply info = co_await greeter.try_to(std::move(ask));
  const std::string run_id = info.type == Reply::Type::string ? run_id_in(info.text.reveal()) : std::string();
  // Copied, and looked at again: it is taken away when the connection is to end.
  if (const auto identified = options.identified) identified(run_id);
}

}  // namespace

Task<Greeting> greet(Connection& connection, const ConnectOptions& options, std::string display, BootTime deadline) {
  SecretString username = options.username ? options.username() : SecretString{};
  SecretString password = options.password ? options.password() : SecretString{};
  co_await log_in(connection, display, std::move(username), std::move(password), deadline);
  Greeter greeter(connection, display, deadline);
  if (!options.client_name.empty()) {
    Command set_name({"CLIENT", "SETNAME", options.client_name});
    static_cast<void>(co_await greeter.try_to(std::move(set_name)));
  }
  if (options.database != 0) {
    Command select({"SELECT", std::to_string(options.database)});
    static_cast<void>(co_await greeter.need(std::move(select)));
  }
  // Finds out that a password is missing, or that the server is still loading its data. One that takes no writes
  // (MISCONF) can be read.
  Command ping({"PING"});
  static_cast<void>(co_await greeter.try_to(std::move(ping)));
  // Without arguments, so that nothing changes. Every user may (Redis 6).
  Command hello({"HELLO"});
  const Reply kind = co_await greeter.try_to(std::move(hello));
  Greeting greeting;
  greeting.mode = mode_in(kind);
  const bool is_named = options.endpoint_resolver && options.endpoint_resolver->wants_primary();
  if (greeting.mode == "sentinel") throw SetupError(is_named ? is_named_by_a_sentinel : is_a_sentinel);
  if (is_named) co_await check_role(greeter);
  if (options.identified) co_await identify(greeter, options);
  co_return greeting;
}

}  // namespace jeton::agent::redis
