#include "agent/fleet/redis/client/client.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/kept_connection.hpp"

namespace jeton::agent::redis {
namespace {

constexpr Duration pause_between_waits = std::chrono::milliseconds(5);

// The WAITs of one connection.
struct ReplicaWaits {
  explicit ReplicaWaits(Timers& timers) : ended(timers) {}

  // Held by the caller that sends the next WAIT.
  struct Lead {
    explicit Lead(ReplicaWaits& w) : waits(w) {
      waits.under_way = true;
      ++waits.begun;
    }
    ~Lead() {
      waits.under_way = false;
      waits.ended.notify();
    }
    ReplicaWaits& waits;
  };

  Event ended;
  bool under_way = false;
  std::uint64_t begun = 0;
  std::uint64_t ended_number = 0;  // of the last that was answered
  std::int64_t acked = 0;          // its answer
};

struct Line {
  std::shared_ptr<Connection> connection;
  std::shared_ptr<ReplicaWaits> waits;
};

}  // namespace

// Held by the commands that wait, so it outlives Client until they have ended.
class Client::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, ConnectOptions options, Duration keepalive)
      : timers_(timers),
        timeout_(options.timeout),
        keepalive_(keepalive),
        in_cluster_(options.in_cluster),
        changed_(timers),
        kept_(timers, random, std::move(options), "commands",
              {.up = [this](const std::shared_ptr<Connection>& connection) { up(connection); },
               .down = [this](const std::string& reason) { down(reason); }}) {
    last_error_ = kept_.display() + ": not connected yet";
  }

  void stop() {
    stopped_ = true;
    line_ = {};
    last_error_ = kept_.display() + ": stopped";
    kept_.stop();
    changed_.notify();
  }

  static Task<Reply> command(std::shared_ptr<Impl> self, Command command, BootTime deadline) {
    const auto connection = self->checked(co_await self->wait_connected(deadline));
    Answer answer = co_await connection->command(std::move(command), deadline);
    co_return self->accepted(*connection, std::move(answer));
  }

  static Task<Reply> exchange(std::shared_ptr<Impl> self, Command command, BootTime deadline, bool asking) {
    const auto connection = self->checked(co_await self->wait_connected(deadline));
    Answer answer;
    if (asking) {
      answer = co_await connection->asking(std::move(command), deadline);
    } else {
      answer = co_await connection->command(std::move(command), deadline);
    }
    co_return std::move(answer).value();
  }

  // `used`: if not null, becomes the connection that it takes.
  static Task<Reply> run(std::shared_ptr<Impl> self, ScriptCall call, BootTime deadline, Line* used = nullptr) {
    const auto connection = self->checked(co_await self->wait_connected(deadline));
    if (used != nullptr) *used = self->line_;
    Answer answer = co_await connection->command(call.by_sha1(), deadline);
    // EVAL and not SCRIPT LOAD: it runs the script and makes it known in one step, so that no flush comes between them.
    if (answer.reply.is_error() && answer.reply.text.reveal().starts_with("NOSCRIPT")) {
      answer = co_await connection->command(call.by_text(), deadline);
    }
    co_return self->accepted(*connection, std::move(answer));
  }

  static Task<Replicated> run_replicated(std::shared_ptr<Impl> self, ScriptCall call, int replicas, Duration patience,
                                         BootTime deadline) {
    Line used;
    Replicated result;
    result.reply = co_await run(self, call, deadline, &used);
    result.replicas = co_await self->wait_for_replicas(used, replicas, patience, deadline);
    co_return result;
  }

  [[nodiscard]] bool is_up() const { return line_.connection && line_.connection->is_open(); }

  Timers& timers_;
  Duration timeout_;    // of an answer to PING
  Duration keepalive_;  // quiet for so long before it
  bool in_cluster_;     // that it is a node of a Cluster need not be said (any more)
  std::string last_error_;
  std::function<void()> connected_callback_;
  Line line_;  // no connection: there is none now
  Event changed_;
  int waiting_ = 0;  // for the connection, or behind those that do
  bool stopped_ = false;
  KeptConnection kept_;

 private:
  // Held by a call that waits. Its end lets the calls go on that came when the connection was up already.
  struct Place {
    explicit Place(Impl& i) : impl(i) { ++impl.waiting_; }
    ~Place() {
      if (--impl.waiting_ > 0 && impl.is_up()) impl.changed_.notify();
    }
    Impl& impl;
  };

  [[nodiscard]] std::shared_ptr<Connection> checked(std::shared_ptr<Connection> connection) const {
    if (connection) return connection;
    throw NotSentError(last_error_.empty() ? kept_.display() + ": not connected" : last_error_);
  }

  // Null: not in time, or the client has been stopped; checked() throws the reason, one coroutine later. The calls go
  // on in their order: a release must not overtake the acquisition that it cancels. A call that comes when the
  // connection is up, but earlier calls still wait, waits behind them.
  Task<std::shared_ptr<Connection>> wait_connected(BootTime deadline) {
    bool is_next = waiting_ == 0;
    while (!stopped_) {
      if (is_next && is_up()) co_return line_.connection;
      const Place place(*this);
      is_next = co_await changed_.wait_until(deadline);
      if (!is_next) break;
    }
    co_return nullptr;
  }

  // The server answers no other command on the connection during a WAIT. So there is one WAIT at a time, for all
  // callers: it counts the replicas that have all writes of the connection before it. It is short, and commands that
  // came meanwhile go before the next WAIT.
  Task<std::int64_t> wait_for_replicas(Line line, int replicas, Duration patience, BootTime deadline) {
    const std::shared_ptr<ReplicaWaits>& waits = line.waits;
    const Clock& clock = timers_.clock();
    const std::string wanted = std::to_string(replicas);
    const std::uint64_t before = waits->begun;  // did not count what this caller wrote
    const BootTime until = clock.boot_now() + std::min(patience, (deadline - clock.boot_now()) / 2);
    for (;;) {
      // An answer is awaited beyond the patience: without one nothing can be said about the replicas.
      const bool is_known = waits->ended_number > before;
      const BootTime now = clock.boot_now();
      if (is_known && (waits->acked >= replicas || now >= until)) co_return waits->acked;
      const BootTime limit = is_known ? until : deadline;
      if (now >= limit) throw TransportError(kept_.display() + ": no answer in time");
      if (waits->under_way) {
        co_await waits->ended.wait_until(limit);
        continue;
      }
      const ReplicaWaits::Lead lead(*waits);
      const BootTime slice_ends = now + std::min(patience / 10, limit - now);
      const Milliseconds slice = std::max(Milliseconds{1}, to_ms(slice_ends - now));  // 0: no limit
      Command wait({"WAIT", wanted, std::to_string(slice.count())});
      waits->acked = co_await ask_replicas(line.connection, std::move(wait), deadline);
      waits->ended_number = waits->begun;
      if (waits->acked >= replicas) continue;
      // A proxy may answer at once.
      const BootTime again_at = std::min(slice_ends, clock.boot_now() + pause_between_waits);
      if (clock.boot_now() < again_at) co_await sleep_until(timers_, again_at);
    }
  }

  Task<std::int64_t> ask_replicas(std::shared_ptr<Connection> connection, Command wait, BootTime deadline) {
    Answer answer = co_await connection->command(std::move(wait), deadline);
    answer.was_sent = true;  // the script before it was
    co_return accepted(*connection, std::move(answer)).as_integer();
  }

  // Throws what the answer says, unless it is a reply without an error.
  [[nodiscard]] Reply accepted(Connection& connection, Answer answer) const {
    Reply reply = std::move(answer).value();
    if (!reply.is_error()) return reply;
    const ServerError error(kept_.display(), reply.text.reveal());
    // Without a password the next connection may have one: it is read again.
    if (error.is_about_role() || error.code() == "NOAUTH") connection.close(error.what());
    throw error;
  }

  void up(const std::shared_ptr<Connection>& connection) {
    line_ = {connection, std::make_shared<ReplicaWaits>(timers_)};
    last_error_.clear();
    changed_.notify();
    if (kept_.mode() == "cluster") used_as_a_single_server();
    start_task(timers_.executor(), keep_alive(shared_from_this(), connection));
    if (connected_callback_) connected_callback_();
  }

  // It works if the cluster has one node, or a proxy before it.
  void used_as_a_single_server() {
    if (std::exchange(in_cluster_, true)) return;
    log::warning(
        log::redis_is_cluster,
        "the server is a node of a Redis Cluster and is used as a single server: keys that other nodes hold cannot be "
        "reached; name it in coordination.redis.cluster",
        {{"endpoint", kept_.display()}});
  }

  // Ends with its connection, which a PING without an answer ends. Any answer is one.
  static Task<> keep_alive(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
    for (;;) {
      const bool quiet = co_await connection->wait_quiet(self->kept_.keepalive(self->keepalive_));
      if (!quiet) co_return;
      const BootTime deadline = self->timers_.clock().boot_now() + self->timeout_;
      Command question({"PING"});
      static_cast<void>(co_await connection->command(std::move(question), deadline));
    }
  }

  void down(const std::string& reason) {
    line_ = {};
    last_error_ = reason;
  }
};

Client::Client(Timers& timers, Random& random, ConnectOptions options, Duration keepalive)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options), keepalive)) {}

Client::~Client() { impl_->stop(); }
void Client::on_connected(std::function<void()> callback) { impl_->connected_callback_ = std::move(callback); }
void Client::start() { impl_->kept_.start(); }
void Client::stop() { impl_->stop(); }
void Client::leave() { impl_->kept_.leave(); }

Task<Reply> Client::command(std::string_view /*key*/, Command command, BootTime deadline) {
  return Impl::command(impl_, std::move(command), deadline);
}

Task<Reply> Client::run(const Script& script, std::span<const std::string> keys,
                        std::span<const std::string_view> arguments, BootTime deadline) {
  return Impl::run(impl_, ScriptCall{script, keys, arguments}, deadline);
}

Task<Reply> Client::exchange(Command command, BootTime deadline, bool asking) {
  return Impl::exchange(impl_, std::move(command), deadline, asking);
}

Task<CommandRunner::Replicated> Client::run_replicated(const Script& script, std::span<const std::string> keys,
                                                       std::span<const std::string_view> arguments, int replicas,
                                                       Duration patience, BootTime deadline) {
  return Impl::run_replicated(impl_, ScriptCall{script, keys, arguments}, replicas, patience, deadline);
}

bool Client::is_connected() const { return impl_->is_up(); }
std::string Client::last_error() const {
  const auto& connection = impl_->line_.connection;
  return connection && !connection->is_open() ? connection->close_reason() : impl_->last_error_;
}
std::string Client::display() const { return impl_->kept_.display(); }

}  // namespace jeton::agent::redis
