#include "agent/fleet/redis/client/connection.hpp"

#include <array>
#include <boost/system/system_error.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "agent/base/event.hpp"

namespace jeton::agent::redis {
namespace {

// A command that was sent, or is about to be. Shared by the one who waits for it and the queue, so that either may go
// first.
struct Pending {
  explicit Pending(Timers& timers) : answered(timers), sent_at(timers.clock().boot_now()) {}
  Event answered;
  BootTime sent_at;
  std::optional<Reply> reply;  // none after the event: the connection was closed
};

constexpr std::size_t read_size = 16 * 1024;
constexpr const char* no_answer = "no answer in time";

}  // namespace

// Held by the loops that read and write, so it outlives Connection until both have noticed that it is closed.
class Connection::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, std::unique_ptr<Transport> transport, ReplyLimits limits, std::string display, Duration timeout,
       std::shared_ptr<ConnectionTally> tally)
      : timers_(timers),
        transport_(std::move(transport)),
        parser_(limits),
        display_(std::move(display)),
        timeout_(timeout),
        tally_(std::move(tally)),
        last_use_(timers.clock().boot_now()),
        last_heard_(last_use_),
        more_to_write_(timers),
        closed_event_(timers) {}

  void start() {
    start_task(timers_.executor(), repeat(shared_from_this(), &Impl::read_some));
    start_task(timers_.executor(), repeat(shared_from_this(), &Impl::write_some));
  }

  void send(const Command& command) {
    const std::string_view wire = command.wire();
    to_write_.insert(to_write_.end(), wire.begin(), wire.end());
    last_use_ = timers_.clock().boot_now();
    more_to_write_.notify();
  }

  static Task<Answer> exchange(std::shared_ptr<Impl> self, Command command, BootTime deadline, bool asking) {
    if (self->closed_) co_return Answer{{}, self->close_reason_, false};
    // No co_await between the two: no other command comes between them.
    std::shared_ptr<Pending> asked;
    if (asking) asked = self->ask(Command({"ASKING"}));
    const auto pending = self->ask(command);
    const bool is_short = deadline < self->timers_.clock().boot_now() + self->timeout_ / 2;
    while (!pending->reply && !self->closed_) {
      const bool in_time = co_await pending->answered.wait_until(deadline);
      if (in_time || pending->reply) continue;  // both may be there after the loop stood still
      if (is_short && !self->is_silent()) co_return Answer{{}, self->display_ + ": " + no_answer};
      self->close(no_answer);
    }
    if (!pending->reply) co_return Answer{{}, self->close_reason_};
    const bool is_refused = asked && asked->reply && asked->reply->is_error();
    co_return Answer{std::move(is_refused ? *asked->reply : *pending->reply)};
  }

  static Task<bool> wait_closed(std::shared_ptr<Impl> self, BootTime deadline) {
    bool in_time = true;
    while (!self->closed_ && in_time) in_time = co_await self->closed_event_.wait_until(deadline);
    co_return self->closed_;
  }

  static Task<bool> wait_quiet(std::shared_ptr<Impl> self, Duration quiet) {
    while (!self->closed_) {
      const BootTime due = self->last_heard_ + quiet;
      if (self->timers_.clock().boot_now() >= due) co_return true;
      co_await self->closed_event_.wait_until(due);
    }
    co_return false;
  }

  void close(const std::string& reason) {
    if (closed_) return;
    closed_ = true;
    close_reason_ = with_place(display_, reason);
    transport_->close();
    for (const auto& pending : in_flight_) pending->answered.notify();
    in_flight_.clear();
    push_handler_ = nullptr;
    more_to_write_.notify();
    closed_event_.notify();
  }

  std::function<void(const Reply&)> push_handler_;
  bool closed_ = false;
  std::string close_reason_;
  std::optional<Duration> ended_idle_for_;

 private:
  std::shared_ptr<Pending> ask(const Command& command) {
    auto pending = std::make_shared<Pending>(timers_);
    in_flight_.push_back(pending);
    send(command);
    return pending;
  }

  // Whether the next answer has been due for so long that the server is taken for silent.
  [[nodiscard]] bool is_silent() const {
    return !in_flight_.empty() && timers_.clock().boot_now() - in_flight_.front()->sent_at >= 2 * timeout_;
  }

  // Repeats a step until the connection is closed, by its error at the latest.
  static Task<> repeat(std::shared_ptr<Impl> self, Task<> (Impl::*step)()) {
    std::string failure;
    try {
      while (!self->closed_) co_await ((*self).*step)();
    } catch (const boost::system::system_error&) {
      failure = "stopped";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    self->close(failure);
  }

  Task<> read_some() {
    const Transport::Received received = co_await transport_->read_some(chunk_);
    if (!received.failure.empty()) {
      // The server, or the way to it, ended the connection.
      const bool idle = !closed_ && in_flight_.empty() && to_write_.empty();
      if (idle) ended_idle_for_ = timers_.clock().boot_now() - last_use_;
      close(received.failure);
      co_return;
    }
    parser_.feed({chunk_.data(), received.size});
    wipe(chunk_.data(), received.size);
    // What follows the replies, the next commands above all, goes on without a turn of the loop, but not over a
    // connection that is out of step.
    timers_.burst([this] {
      try {
        while (auto reply = parser_.next()) deliver(std::move(*reply));
      } catch (const std::exception& e) {
        close(e.what());
      }
    });
  }

  // All that came together since the last write goes out in one piece.
  Task<> write_some() {
    while (to_write_.empty() && !closed_) co_await more_to_write_.wait();
    if (closed_) co_return;
    const WireBuffer writing = std::exchange(to_write_, {});
    co_await transport_->write({writing.data(), writing.size()});
  }

  void deliver(Reply reply) {
    if (closed_) return;
    last_use_ = last_heard_ = timers_.clock().boot_now();
    if (push_handler_) {
      // A copy: the handler may close the connection, which takes the handler away while it runs.
      const auto handler = push_handler_;
      handler(reply);
      return;
    }
    if (in_flight_.empty()) throw TransportError("the server sent a reply that no command asked for");
    const auto pending = in_flight_.front();
    in_flight_.pop_front();
    if (tally_) tally_->answers.add(last_use_ - pending->sent_at);
    pending->reply = std::move(reply);
    pending->answered.notify();
  }

  Timers& timers_;
  std::unique_ptr<Transport> transport_;
  RespParser parser_;
  std::string display_;
  Duration timeout_;
  std::shared_ptr<ConnectionTally> tally_;
  BootTime last_use_;    // something was sent or heard
  BootTime last_heard_;  // of the server
  std::array<char, read_size> chunk_{};
  std::deque<std::shared_ptr<Pending>> in_flight_;
  WireBuffer to_write_;
  Event more_to_write_;
  Event closed_event_;
};

Reply Answer::value() && {
  if (failure.empty()) return std::move(reply);
  if (was_sent) throw TransportError(failure);
  throw NotSentError(failure);
}

Connection::Connection(Timers& timers, std::unique_ptr<Transport> transport, ReplyLimits limits, std::string display,
                       Duration timeout, std::shared_ptr<ConnectionTally> tally)
    : impl_(
          std::make_shared<Impl>(timers, std::move(transport), limits, std::move(display), timeout, std::move(tally))) {
  impl_->start();
}

Connection::~Connection() { impl_->close("closed"); }

Task<Answer> Connection::command(Command command, BootTime deadline) {
  return Impl::exchange(impl_, std::move(command), deadline, false);
}

Task<Answer> Connection::asking(Command command, BootTime deadline) {
  return Impl::exchange(impl_, std::move(command), deadline, true);
}

void Connection::on_push(std::function<void(const Reply&)> handler) { impl_->push_handler_ = std::move(handler); }

void Connection::send(Command command) {
  if (!impl_->closed_) impl_->send(command);
}

void Connection::close(const std::string& reason) { impl_->close(reason); }
bool Connection::is_open() const { return !impl_->closed_; }
const std::string& Connection::close_reason() const { return impl_->close_reason_; }
std::optional<Duration> Connection::ended_idle_for() const { return impl_->ended_idle_for_; }
Task<bool> Connection::wait_closed(BootTime deadline) { return Impl::wait_closed(impl_, deadline); }
Task<bool> Connection::wait_quiet(Duration quiet) { return Impl::wait_quiet(impl_, quiet); }

}  // namespace jeton::agent::redis
