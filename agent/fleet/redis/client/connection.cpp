#include "agent/fleet/redis/client/connection.hpp"

#include <array>
#include <boost/system/system_error.hpp>
#include <deque>
#include <optional>
#include <span>

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
        more_to_write_(timers),
        closed_event_(timers) {}

  void start() {
    start_task(timers_.executor(), read_loop(shared_from_this()));
    start_task(timers_.executor(), write_loop(shared_from_this()));
  }

  void send(const Command& command) {
    const std::string_view wire = command.wire();
    to_write_.insert(to_write_.end(), wire.begin(), wire.end());
    last_use_ = timers_.clock().boot_now();
    more_to_write_.notify();
  }

  static Task<Reply> exchange(std::shared_ptr<Impl> self, Command command, BootTime deadline, bool asking) {
    if (self->closed_) throw NotSentError(self->close_reason_);
    auto pending = std::make_shared<Pending>(self->timers_);
    // No co_await between the two: no other command comes between them.
    auto asked = asking ? std::make_shared<Pending>(self->timers_) : nullptr;
    if (asked) {
      self->in_flight_.push_back(asked);
      self->send(Command({"ASKING"}));
    }
    self->in_flight_.push_back(pending);
    self->send(command);
    const bool is_short = deadline < self->timers_.clock().boot_now() + self->timeout_ / 2;
    while (!pending->reply && !self->closed_) {
      const bool in_time = co_await pending->answered.wait_until(deadline);
      if (in_time || pending->reply) continue;  // both may be there after the loop stood still
      if (is_short && !self->is_silent()) throw TransportError(self->display_ + ": " + no_answer);
      self->close(no_answer);
    }
    if (!pending->reply) throw TransportError(self->close_reason_);
    if (asked && asked->reply && asked->reply->is_error()) co_return std::move(*asked->reply);
    co_return std::move(*pending->reply);
  }

  static Task<bool> wait_closed(std::shared_ptr<Impl> self, BootTime deadline) {
    bool in_time = true;
    while (!self->closed_ && in_time) in_time = co_await self->closed_event_.wait_until(deadline);
    co_return self->closed_;
  }

  void close(const std::string& reason) {
    if (closed_) return;
    closed_ = true;
    close_reason_ = reason.starts_with(display_) ? reason : display_ + ": " + reason;
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
  // Whether the next answer has been due for so long that the server is taken for silent.
  [[nodiscard]] bool is_silent() const {
    return !in_flight_.empty() && timers_.clock().boot_now() - in_flight_.front()->sent_at >= 2 * timeout_;
  }

  static Task<> read_loop(std::shared_ptr<Impl> self) {
    std::array<char, read_size> chunk{};
    std::string failure;
    try {
      while (!self->closed_) {
        std::size_t size = 0;
        try {
          size = co_await self->transport_->read_some(chunk);
        } catch (const TransportError&) {
          self->note_idle_end();
          throw;
        }
        self->parser_.feed({chunk.data(), size});
        wipe(chunk.data(), size);
        while (auto reply = self->parser_.next()) self->deliver(std::move(*reply));
      }
    } catch (const boost::system::system_error&) {
      failure = "stopped";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    self->close(failure);
  }

  // The server, or the way to it, ended the connection.
  void note_idle_end() {
    const bool idle = !closed_ && in_flight_.empty() && to_write_.empty();
    if (idle) ended_idle_for_ = timers_.clock().boot_now() - last_use_;
  }

  static Task<> write_loop(std::shared_ptr<Impl> self) {
    WireBuffer writing;
    std::string failure;
    try {
      while (!self->closed_) {
        if (self->to_write_.empty()) {
          co_await self->more_to_write_.wait();
          continue;
        }
        // All that came together since the last write goes out in one piece.
        writing = std::exchange(self->to_write_, {});
        co_await self->transport_->write({writing.data(), writing.size()});
        writing = {};
      }
    } catch (const boost::system::system_error&) {
      failure = "stopped";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    self->close(failure);
  }

  void deliver(Reply reply) {
    if (closed_) return;
    last_use_ = timers_.clock().boot_now();
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
  BootTime last_use_;
  std::deque<std::shared_ptr<Pending>> in_flight_;
  WireBuffer to_write_;
  Event more_to_write_;
  Event closed_event_;
};

Connection::Connection(Timers& timers, std::unique_ptr<Transport> transport, ReplyLimits limits, std::string display,
                       Duration timeout, std::shared_ptr<ConnectionTally> tally)
    : impl_(
          std::make_shared<Impl>(timers, std::move(transport), limits, std::move(display), timeout, std::move(tally))) {
  impl_->start();
}

Connection::~Connection() { impl_->close("closed"); }

Task<Reply> Connection::command(Command command, BootTime deadline) {
  return Impl::exchange(impl_, std::move(command), deadline, false);
}

Task<Reply> Connection::asking(Command command, BootTime deadline) {
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

}  // namespace jeton::agent::redis
