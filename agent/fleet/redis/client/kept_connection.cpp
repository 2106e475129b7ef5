#include "agent/fleet/redis/client/kept_connection.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <set>
#include <utility>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/dial.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// At the beginning of an outage a fleet waits for this connection: together with the spread of a repair, the data that
// a restarted server lost is repaired within a second. Later thousands of agents must not ask a server so often.
constexpr Duration young_outage = 30s;
constexpr BackoffLimits young_limits{.base = 50ms, .cap = 500ms, .floor = 10ms};
constexpr BackoffLimits old_limits{.base = 2s, .cap = 2s, .floor = 500ms};
// A connection that ends before this time is one more failed attempt of the same outage.
constexpr Duration proven_after = 1s;
constexpr std::size_t max_reported = 64;

// A server closes connections that were idle for a configured time, plus or minus the second of its check.
constexpr Duration same_idle_time = 2s;
constexpr Duration shortest_idle_limit = 500ms;
// Restarts and failovers end idle connections too, but hardly so often after the same time.
constexpr int ends_of_a_limit = 3;

}  // namespace

class KeptConnection::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, ConnectOptions options, std::string purpose, Callbacks callbacks)
      : timers_(timers),
        random_(random),
        options_(std::move(options)),
        purpose_(std::move(purpose)),
        callbacks_(std::move(callbacks)),
        young_backoff_(young_limits, random),
        old_backoff_(old_limits, random),
        stop_(timers) {
    if (options_.endpoint_resolver) display_ = options_.endpoint_resolver->origin();
    if (display_.empty()) display_ = options_.display(options_.address);
    if (!options_.reports) options_.reports = std::make_shared<LogBurst>();
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
    if (options_.endpoint_resolver) options_.endpoint_resolver->interrupt();
    stop_.notify();
  }

  void renew() {
    if (!connection_ || !connection_->is_open()) return;
    renewing_ = true;
    connection_->close("to be connected again");
  }

  void leave() {
    useless_ip_ = connected_ip_;
    renew();
  }

  std::string display_;
  std::optional<Duration> keepalive_;
  std::string mode_;

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

  struct Failure {
    std::string reason{};
    bool operator_must_act = false;
  };

  Task<> run_once() {
    Failure failure;
    bool was_of_use = false;
    try {
      failure = co_await connect();
      if (failure.reason.empty()) {
        if (std::exchange(was_connected_, true) && options_.tally) ++options_.tally->reconnects;
        const BootTime since = timers_.clock().boot_now();
        // Copied, because the callback may stop this connection, which takes the callbacks away.
        if (const auto up = callbacks_.up) up(connection_);
        const bool died_young = co_await connection_->wait_closed(since + proven_after);
        was_of_use = !died_young;
        if (was_of_use) {
          recovered();
          co_await stay_connected();
          if (const auto idle = connection_->ended_idle_for()) {
            ended_by_idleness(*idle);
          } else {
            like_ends_ = 0;
          }
        }
        failure.reason = connection_->close_reason();
      }
    } catch (const ServerError& e) {
      failure = {e.what(), e.is_about_access()};
    } catch (const Error& e) {
      failure = {with_place(display_, e.what()), dynamic_cast<const SetupError*>(&e) != nullptr};
    }
    const bool was_reached = connection_ != nullptr;
    connection_.reset();
    if (stopped_) co_return;
    if (!was_of_use) forget_idleness();
    if (!was_of_use && was_reached && !renewing_) useless_ip_ = connected_ip_;
    if (!renewing_) report(failure);
    if (const auto down = callbacks_.down) down(failure.reason);
  }

  // Makes `connection_`; the result says why it is of no use or none. Throws if the server refuses the greeting.
  Task<Failure> connect() {
    Address address = options_.address;
    if (options_.endpoint_resolver) address = co_await resolve_endpoint();
    const BootTime deadline = now() + options_.timeout;
    Connected dialed = co_await dial(timers_, options_.resolve, options_.connect, address, options_.tls, deadline,
                                     attempt_, useless_ip_);
    if (stopped_) throw TransportError("stopped");
    if (!dialed.transport) co_return Failure{with_place(display_, dialed.failure), dialed.operator_must_act};
    connection_ = std::make_shared<Connection>(timers_, std::move(dialed.transport), options_.limits, display_,
                                               options_.timeout, options_.tally);
    connected_to_ = address;
    connected_ip_ = dialed.ip;
    Greeting greeting = co_await greet(*connection_, options_, display_, deadline);
    mode_ = std::move(greeting.mode);
    co_return Failure{std::move(greeting.failure)};
  }

  Task<Address> resolve_endpoint() {
    const std::string origin = options_.endpoint_resolver->origin();
    if (!origin.empty()) display_ = origin;
    Address address = co_await options_.endpoint_resolver->resolve(now() + options_.timeout);
    if (stopped_) throw TransportError("stopped");
    display_ = options_.display(address) + (origin.empty() ? "" : " (" + origin + ")");
    co_return address;
  }

  // Until the connection is closed: by us, if the server that is wanted is another one by now.
  Task<> stay_connected() {
    const Duration recheck = options_.endpoint_resolver ? options_.endpoint_resolver->recheck_interval() : Duration{0};
    BootTime recheck_at = next_after(recheck);
    BootTime resolve_at = next_after(is_name(connected_to_) ? resolve_interval : Duration{0});
    while (connection_->is_open()) {
      const BootTime next = std::min(recheck_at, resolve_at);
      const bool closed = co_await connection_->wait_closed(next);
      if (closed) break;
      if (now() >= recheck_at) {
        const Address address = co_await options_.endpoint_resolver->recheck(connected_to_, now() + options_.timeout);
        if (address != connected_to_) connection_->close("the server to use is " + address.display() + " now");
        recheck_at = next_after(recheck);
      } else if (now() >= resolve_at) {
        co_await follow_name();
        resolve_at = next_after(resolve_interval);
      }
    }
  }

  // If a name has several addresses, the one in use is as good as the others.
  Task<> follow_name() {
    const std::string other = co_await new_address(timers_, options_.resolve, connected_to_.host, connected_ip_,
                                                   now() + options_.timeout, attempt_);
    if (other.empty() || !connection_->is_open()) co_return;
    log::warning(
        log::redis_moved,
        "the name of the server has another address now: connecting to it; the new server may lack the data of the old "
        "one",
        {{"connection", purpose_}, {"endpoint", display_}, {"from", connected_ip_}, {"to", other}});
    renewing_ = true;
    connection_->close("the name has another address now");
  }

  [[nodiscard]] BootTime next_after(Duration interval) {
    if (interval <= Duration{0}) return BootTime::max();
    return now() + std::chrono::duration_cast<Duration>(interval * (0.75 + random_.uniform() / 2));
  }

  // The next attempt is made at once. If the server is gone, that fails and is reported.
  void ended_by_idleness(Duration idle) {
    renewing_ = true;
    log::debug("redis closed an idle connection; connecting again",
               {{"connection", purpose_}, {"endpoint", display_}, {"idle_ms", to_ms(idle).count()}});
    if (like_ends_ == 0 || std::chrono::abs(shortest_idle_ - idle) > same_idle_time) {
      like_ends_ = 0;
      shortest_idle_ = idle;
    }
    shortest_idle_ = std::min(shortest_idle_, idle);
    if (++like_ends_ < ends_of_a_limit || shortest_idle_ < shortest_idle_limit) return;
    keepalive_ = shortest_idle_ / 2;
    log::info("redis closes idle connections; PING keeps them open",
              {{"connection", purpose_}, {"endpoint", display_}, {"interval_ms", to_ms(*keepalive_).count()}});
  }

  // After an outage: it ended the connections before, and the server that comes back may have another limit.
  void forget_idleness() {
    like_ends_ = 0;
    keepalive_.reset();
  }

  Duration next_pause() {
    if (!down_since_) down_since_ = now();
    return now() - *down_since_ < young_outage ? young_backoff_.next() : old_backoff_.next();
  }

  void report(const Failure& failure) {
    // Every attempt fails for the same few reasons: each is logged once until the outage ends. A hostile server can
    // make up a new reason for each attempt.
    if (reported_.contains(failure.reason) || !options_.reports->allows(now())) return;
    if (reported_.size() >= max_reported) reported_.clear();
    reported_.insert(failure.reason);
    log::write(log::redis_lost, failure.operator_must_act ? log::Level::error : log::Level::warning,
               "redis is out of reach; trying again", {{"connection", purpose_}, {"error", failure.reason}});
  }

  void recovered() {
    young_backoff_.reset();
    down_since_.reset();
    if (reported_.empty()) {
      log::debug("redis connected", {{"connection", purpose_}, {"endpoint", display_}});
    } else {
      log::info(log::redis_back, "redis is back", {{"connection", purpose_}, {"endpoint", display_}});
    }
    reported_.clear();
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  ConnectOptions options_;
  std::string purpose_;
  Callbacks callbacks_;
  Backoff young_backoff_;
  Backoff old_backoff_;
  std::optional<BootTime> down_since_;  // none while a connection has proven itself
  Event stop_;
  ConnectAttempt attempt_;
  std::shared_ptr<Connection> connection_;
  Address connected_to_;
  std::string connected_ip_;
  std::string useless_ip_;    // the last that was reached and of no use
  int like_ends_ = 0;         // how many connections in a row the server ended after about the same idle time
  Duration shortest_idle_{};  // of these
  std::set<std::string> reported_;
  bool was_connected_ = false;
  bool started_ = false;
  bool stopped_ = false;
  bool renewing_ = false;
};

KeptConnection::KeptConnection(Timers& timers, Random& random, ConnectOptions options, std::string purpose,
                               Callbacks callbacks)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options), std::move(purpose), std::move(callbacks))) {}

KeptConnection::~KeptConnection() { impl_->stop(); }
void KeptConnection::start() { impl_->start(); }
void KeptConnection::stop() { impl_->stop(); }
void KeptConnection::renew() { impl_->renew(); }
void KeptConnection::leave() { impl_->leave(); }
Duration KeptConnection::keepalive(Duration usual) const { return std::min(usual, impl_->keepalive_.value_or(usual)); }
const std::string& KeptConnection::mode() const { return impl_->mode_; }
const std::string& KeptConnection::display() const { return impl_->display_; }

}  // namespace jeton::agent::redis
