#include "agent/fleet/redis/client/dial.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

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

class Greeter {
 public:
  Greeter(Connection& connection, const std::string& display, BootTime deadline)
      : connection_(connection), display_(display), deadline_(deadline) {}

  // No answer came, because of this; empty: every one has come so far. Nothing is asked from then on, and each reply is
  // nil.
  [[nodiscard]] const std::string& lost() const { return lost_; }

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
    if (!lost_.empty()) co_return Reply{};
    Answer answer = co_await connection_.command(std::move(command), deadline_);
    if (!answer.failure.empty() && refusal_) throw ServerError(*refusal_);
    lost_ = std::move(answer.failure);
    co_return std::move(answer.reply);
  }

  Connection& connection_;
  const std::string& display_;
  BootTime deadline_;
  std::string lost_;
  std::optional<ServerError> refusal_;  // the last one
};

// A server that was the primary a moment ago would refuse our writes, or worse, accept them and lose them.
Task<> check_role(Greeter& greeter) {
  Command ask({"ROLE"});
  const Reply role = co_await greeter.need(std::move(ask));  // +role is needed with sentinels
  if (!greeter.lost().empty()) co_return;
  if (role.at(0).as_text() != "master") throw TransportError("the server is not the primary (any more)");
}

Task<> identify(Greeter& greeter, const ConnectOptions& options) {
  Command ask({"INFO", "server"});
  const Reply info = co_await greeter.try_to(std::move(ask));
  if (!greeter.lost().empty()) co_return;
  const std::string run_id = info.type == Reply::Type::string ? run_id_in(info.text.reveal()) : std::string();
  // Copied, and looked at again: it is taken away when the connection is to end.
  if (const auto identified = options.identified) identified(run_id);
}

}  // namespace

bool is_name(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return false;
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(address.host, not_an_address);
  return not_an_address.failed();
}

Task<Connected> dial(Timers& timers, NameResolver resolve, Connector connect, Address address, TlsOptions tls,
                     BootTime deadline, ConnectAttempt& attempt, std::string last) {
  if (!is_name(address)) {
    std::string ip = address.host;
    Connected only = co_await connect(timers, std::move(address), std::move(tls), deadline, attempt);
    only.ip = std::move(ip);
    co_return only;
  }
  if (tls.server_name.empty()) tls.server_name = address.host;
  std::vector<std::string> found = co_await resolve(timers, address.host, deadline, attempt);
  std::stable_partition(found.begin(), found.end(), [&last](const std::string& ip) { return ip != last; });
  Connected failed;
  failed.failure = "the name has no address";
  for (std::size_t i = 0; i < found.size(); ++i) {
    // An address that swallows packets may not eat the time of the ones behind it.
    const BootTime now = timers.clock().boot_now();
    const BootTime share = now + (deadline - now) / static_cast<Duration::rep>(found.size() - i);
    Address at = address;
    at.host = found[i];
    Connected one = co_await connect(timers, std::move(at), tls, share, attempt);
    one.ip = found[i];
    if (one.transport) co_return one;
    // Where one address of a name is not reachable and another is not set up well, the latter is worth telling.
    if (one.operator_must_act || !failed.operator_must_act) failed = std::move(one);
  }
  co_return failed;
}

Task<std::string> new_address(Timers& timers, NameResolver resolve, std::string name, std::string ip, BootTime deadline,
                              ConnectAttempt& attempt) {
  try {
    const std::vector<std::string> found = co_await resolve(timers, std::move(name), deadline, attempt);
    const bool is_there = std::find(found.begin(), found.end(), ip) != found.end();
    if (!found.empty() && !is_there) co_return found.front();
  } catch (const TransportError&) {
    // No other server is known.
  }
  co_return std::string{};
}

Task<> log_in(Connection& connection, std::string where, std::function<SecretString()> username,
              std::function<SecretString()> password, BootTime deadline) {
  const SecretString user = username ? username() : SecretString{};
  const SecretString secret = password ? password() : SecretString{};
  if (secret.empty()) co_return;
  Command auth = user.empty() ? Command({"AUTH", secret.reveal()}) : Command({"AUTH", user.reveal(), secret.reveal()});
  Answer answer = co_await connection.command(std::move(auth), deadline);
  const Reply reply = std::move(answer).value();
  if (reply.is_error()) throw ServerError(where, reply.text.reveal(), {&secret, 1});
}

Task<Greeting> greet(Connection& connection, const ConnectOptions& options, std::string display, BootTime deadline) {
  co_await log_in(connection, display, options.username, options.password, deadline);
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
  std::string mode(kind.value_of("mode"));
  const bool is_named = options.endpoint_resolver && options.endpoint_resolver->wants_primary();
  if (mode == "sentinel") throw SetupError(is_named ? is_named_by_a_sentinel : is_a_sentinel);
  if (is_named) co_await check_role(greeter);
  if (options.identified) co_await identify(greeter, options);
  co_return Greeting{std::move(mode), greeter.lost()};
}

}  // namespace jeton::agent::redis
