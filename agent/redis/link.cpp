#include "agent/redis/link.hpp"

#include <boost/system/system_error.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/base/log.hpp"
#include "agent/redis/login.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// While an outage is young a fleet waits for this connection: together with the spread of a repair, what a restarted
// server lost is back within a second. A server that stays away is not asked so often by thousands of agents.
constexpr Duration young_outage = 30s;
constexpr BackoffLimits young_limits{.base = 50ms, .cap = 500ms, .floor = 10ms};
constexpr BackoffLimits old_limits{.base = 2s, .cap = 2s, .floor = 500ms};
// A connection that dies younger than this is one more failed attempt of the same trouble.
constexpr Duration proven_after = 1s;

Task<> expect_ok(Connection& connection, const std::string& where, Command command, BootTime deadline) {
  const Reply reply = co_await connection.command(std::move(command), deadline);
  if (reply.is_error()) throw ServerError(where, reply.text.reveal());
}

// For what we can do without: a user without the permission may still work.
Task<> expect_ok_or_noperm(Connection& connection, const std::string& where, Command command, BootTime deadline) {
  const Reply reply = co_await connection.command(std::move(command), deadline);
  if (!reply.is_error()) co_return;
  const ServerError error(where, reply.text.reveal());
  if (error.code() != "NOPERM") throw error;
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

}  // namespace

class Link::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, ConnectOptions options, std::string purpose, Callbacks callbacks)
      : timers_(timers),
        random_(random),
        options_(std::move(options)),
        where_(options_.locator ? options_.locator->origin() : ""),
        purpose_(std::move(purpose)),
        callbacks_(std::move(callbacks)),
        young_backoff_(young_limits, random),
        old_backoff_(old_limits, random),
        stop_(timers) {
    if (where_.empty()) where_ = options_.display(options_.address);
  }

  void start() {
    if (started_) return;
    started_ = true;
    start_task(timers_.executor(), run(shared_from_this()));
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    callbacks_ = {};
    options_.identified = nullptr;
    if (connection_) connection_->close("stopped");
    attempt_.cancel();
    if (options_.locator) options_.locator->interrupt();
    stop_.notify();
  }

  void renew() {
    if (!connection_ || !connection_->is_open()) return;
    renewing_ = true;
    connection_->close("to be made anew");
  }

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  static Task<> run(std::shared_ptr<Impl> self) {
    try {
      while (!self->stopped_) {
        co_await self->run_once();
        if (self->stopped_) break;
        if (std::exchange(self->renewing_, false)) continue;
        co_await self->stop_.wait_until(self->now() + self->next_pause());
      }
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
    self->connection_.reset();
  }

  Task<> run_once() {
    std::string failure;
    bool operator_must_act = false;
    try {
      co_await connect();
      const BootTime since = timers_.clock().boot_now();
      // Copied, because the callback may stop the link, which takes the callbacks away.
      if (const auto up = callbacks_.up) up(connection_);
      const bool died_young = co_await connection_->wait_closed(since + proven_after);
      if (!died_young) {
        recovered();
        co_await stay_connected();
      }
      failure = connection_->close_reason();
    } catch (const ServerError& e) {
      failure = e.what();
      operator_must_act = e.is_about_access();
    } catch (const Error& e) {
      operator_must_act = dynamic_cast<const SetupError*>(&e) != nullptr;
      failure = e.what();
      if (!failure.starts_with(where_)) failure = where_ + ": " + failure;
    }
    connection_.reset();
    if (stopped_) co_return;
    if (!renewing_) report(failure, operator_must_act);
    if (const auto down = callbacks_.down) down(failure);
  }

  Task<> connect() {
    Address address = options_.address;
    if (options_.locator) address = co_await locate();
    const BootTime deadline = now() + options_.timeout;
    auto transport = co_await options_.connect(timers_, address, options_.tls, deadline, attempt_);
    if (stopped_) throw TransportError("stopped");
    connection_ = std::make_shared<Connection>(timers_, std::move(transport), options_.limits, where_);
    connected_to_ = address;
    co_await greet(deadline);
  }

  Task<Address> locate() {
    const std::string origin = options_.locator->origin();
    if (!origin.empty()) where_ = origin;
    Address address = co_await options_.locator->locate(now() + options_.timeout);
    if (stopped_) throw TransportError("stopped");
    where_ = options_.display(address) + (origin.empty() ? "" : " (" + origin + ")");
    co_return address;
  }

  // Until the connection is closed: by us, if the server that is wanted is another one by now.
  Task<> stay_connected() {
    const Duration interval = options_.locator ? options_.locator->recheck_interval() : Duration{0};
    if (interval <= Duration{0}) co_await connection_->wait_closed();
    while (connection_->is_open()) {
      const auto pause = std::chrono::duration_cast<Duration>(interval * (0.75 + random_.uniform() / 2));
      const bool closed = co_await connection_->wait_closed(now() + pause);
      if (closed) break;
      const Address address = co_await options_.locator->relocate(connected_to_, now() + options_.timeout);
      if (address != connected_to_) connection_->close("the server to use is " + address.display() + " now");
    }
  }

  Task<> greet(BootTime deadline) {
    SecretString username = options_.username ? options_.username() : SecretString{};
    SecretString password = options_.password ? options_.password() : SecretString{};
    co_await log_in(*connection_, where_, std::move(username), std::move(password), deadline);
    if (!options_.client_name.empty()) {
      Command set_name({"CLIENT", "SETNAME", options_.client_name});
      co_await expect_ok_or_noperm(*connection_, where_, std::move(set_name), deadline);
    }
    if (options_.database != 0) {
      Command select({"SELECT", std::to_string(options_.database)});
      co_await expect_ok(*connection_, where_, std::move(select), deadline);
    }
    // Finds out that a password is missing, or that the server is still loading its data.
    Command ping({"PING"});
    co_await expect_ok_or_noperm(*connection_, where_, std::move(ping), deadline);
    if (options_.locator && options_.locator->wants_primary()) co_await check_role(deadline);
    if (options_.identified) co_await identify(deadline);
  }

  Task<> identify(BootTime deadline) {
    Command ask({"INFO", "server"});
    const Reply info = co_await connection_->command(std::move(ask), deadline);
    const std::string run_id = info.type == Reply::Type::string ? run_id_in(info.text.reveal()) : std::string();
    // Copied, and looked at again: stop() takes it away.
    if (const auto identified = options_.identified) identified(run_id);
  }

  // A server that was the primary a moment ago would refuse what we write, or worse, take it and forget it.
  Task<> check_role(BootTime deadline) {
    Command ask_role({"ROLE"});
    const Reply role = co_await connection_->command(std::move(ask_role), deadline);
    if (role.is_error()) throw ServerError(where_, role.text.reveal());  // +role is needed with sentinels
    if (role.at(0).as_text() != "master") throw TransportError("the server is not the primary (any more)");
  }

  Duration next_pause() {
    if (!down_since_) down_since_ = now();
    return now() - *down_since_ < young_outage ? young_backoff_.next() : old_backoff_.next();
  }

  void report(const std::string& failure, bool operator_must_act) {
    // Every attempt fails for the same few reasons: each is said once until the trouble is over.
    if (!reported_.insert(failure).second) return;
    log::write(operator_must_act ? log::Level::error : log::Level::warning, "redis is out of reach; trying again",
               {{"connection", purpose_}, {"error", failure}});
  }

  void recovered() {
    young_backoff_.reset();
    down_since_.reset();
    if (reported_.empty()) {
      log::debug("redis connected", {{"connection", purpose_}, {"endpoint", where_}});
    } else {
      log::info("redis is back", {{"connection", purpose_}, {"endpoint", where_}});
    }
    reported_.clear();
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  ConnectOptions options_;
  std::string where_;
  std::string purpose_;
  Callbacks callbacks_;
  Backoff young_backoff_;
  Backoff old_backoff_;
  std::optional<BootTime> down_since_;  // none while a connection has proven itself
  Event stop_;
  ConnectAttempt attempt_;
  std::shared_ptr<Connection> connection_;
  Address connected_to_;
  std::set<std::string> reported_;
  bool started_ = false;
  bool stopped_ = false;
  bool renewing_ = false;
};

Link::Link(Timers& timers, Random& random, ConnectOptions options, std::string purpose, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options), std::move(purpose), std::move(callbacks))) {}

Link::~Link() { impl_->stop(); }
void Link::start() { impl_->start(); }
void Link::stop() { impl_->stop(); }
void Link::renew() { impl_->renew(); }
const std::string& Link::where() const { return impl_->where(); }

}  // namespace jeton::agent::redis
