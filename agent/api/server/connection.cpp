#include "agent/api/server/connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/api/locks/lock_reply.hpp"
#include "agent/api/tokens/token_routes.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;

constexpr const char* json_lines = "application/x-ndjson";
// A client that reads nothing fills a quarter of its socket in some hundreds of locks; then it has no room.
constexpr unsigned locks_between_looks = 8;

class ApiConnection final : public Connection, public std::enable_shared_from_this<ApiConnection> {
 public:
  ApiConnection(Executor executor, Peer peer, Context context)
      : executor_(std::move(executor)), peer_(std::move(peer)), context_(std::move(context)) {}

  void run(UniqueFd socket, std::function<void(const Connection*)> on_end) {
    channel_ =
        HttpChannel::open(executor_, std::move(socket), context_.timers, context_.limits, [weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->close();
        });
    asio::co_spawn(executor_, serve(),
                   asio::bind_cancellation_slot(
                       cancel_.slot(), [self = shared_from_this(), on_end = std::move(on_end)](std::exception_ptr) {
                         self->close();
                         on_end(self.get());
                       }));
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    if (lock_) lock_->cancel();
    channel_->close();
    cancel_.emit(asio::cancellation_type::terminal);
  }

  [[nodiscard]] const Peer& peer() const override { return peer_; }
  [[nodiscard]] std::optional<BootTime> waits_since() override { return channel_->waits_since(); }

 private:
  // Requests one after another, until one side ends the connection. Ends by an exception when closed.
  Task<> serve() {
    for (bool more = true; more;) {
      HttpChannel::Incoming incoming = co_await channel_->read();
      if (incoming.refusal) {
        count("unread", incoming.refusal->status);
        co_await channel_->send(*incoming.refusal, false);
      }
      if (!incoming.request) co_return;
      ApiRequest& request = *incoming.request;
      const std::string_view kind = path_kind(request.target);
      ApiResponse response;
      context_.timers.burst([&] {
        response = respond(request);
        if (const auto* opened = std::get_if<OpenedLock>(&response)) lock_ = opened->session;
      });
      channel_->check_open();
      std::string().swap(request.body);  // a stream would keep its memory to its end
      const bool busy = std::holds_alternative<LaterAnswer>(response) || std::holds_alternative<TokenEvents>(response);
      const bool is_lock = std::holds_alternative<OpenedLock>(response);
      const bool has_place = is_lock || !context_.on_other_request || context_.on_other_request(this);
      if (busy && (!has_place || (context_.may_be_busy && !context_.may_be_busy(this)))) {
        response =
            error_answer(503, "too_many_connections", "the agent has too many open streams and calls; try again later");
      }
      if (is_lock) {
        // No limit counts the lock of a client that reads nothing. Few answers do not fill its socket.
        const bool asks_for_room = locks_++ % locks_between_looks == 0;
        if (asks_for_room && !channel_->has_room()) co_return;
        const bool goes_on = co_await serve_lock(kind, incoming.keeps_locks);
        lock_.reset();
        if (!goes_on || !context_.on_lock_end || !context_.on_lock_end(this)) co_return;
        continue;
      }
      locks_ = 0;  // another answer may fill the socket
      const bool has_lines =
          std::holds_alternative<TokenEvents>(response) || std::holds_alternative<StreamAnswer>(response);
      if (has_lines && request.method == "GET") {
        count(kind, 200);
        co_await serve_stream(std::move(response));
        co_return;
      }
      ApiAnswer answer;  // to HEAD of a stream: as it is
      if (auto* known = std::get_if<ApiAnswer>(&response)) answer = std::move(*known);
      if (auto* later = std::get_if<LaterAnswer>(&response)) answer = co_await finish(std::move(later->work), request);
      more = incoming.keep_alive && has_place;
      count(kind, answer.status);
      co_await channel_->send(std::move(answer), more);
    }
  }

  // An exception here is a defect of the agent: the client gets a 500, the log the reason.
  ApiResponse respond(const ApiRequest& request) {
    try {
      return context_.routes(request, peer_, context_.facade, context_.names, context_.timers.clock().wall_now());
    } catch (const std::exception& e) {
      log::error(log::api_trouble, "local API: a request failed", {{"target", request.target}, {"error", e.what()}});
      return error_answer(500, "internal", "the agent failed to answer; its log has the reason");
    }
  }

  Task<ApiAnswer> finish(std::function<Task<ApiAnswer>()> work, const ApiRequest& request) {
    std::string failure;
    ApiAnswer answer;
    try {
      answer = co_await work();
    } catch (const TransportError& e) {
      failure = e.what();
    }
    channel_->check_open();
    if (failure.empty()) co_return answer;
    log::debug("local API: the coordinator could not be asked, or refused",
               {{"target", request.target}, {"error", failure}});
    co_return error_answer(503, "coordinator_unreachable", failure);
  }

  // Any input, including the end of the connection, ends the lock. The client may still read that the lock was
  // released. True: the connection is free for the next request: the client sent input, and the answer says "released".
  Task<bool> serve_lock(std::string_view kind, bool keeps) {
    const std::shared_ptr<LockSession> session = lock_;
    if (context_.on_lock) context_.on_lock(this);
    const auto has_more = std::make_shared<bool>(false);
    channel_->on_input([session, has_more](bool more) {
      *has_more = more;
      session->cancel();
    });
    LockReply reply(session, *channel_, context_.timers.clock(), context_.limits.heartbeat);
    const LockReply::Form form = co_await reply.form();
    if (form == LockReply::Form::answer) {
      ApiAnswer known = reply.answer();
      count(kind, known.status);
      co_await channel_->send(std::move(known), false);
      session->deliver();
      co_return false;
    }
    if (form == LockReply::Form::none) co_return false;
    count(kind, 200);
    channel_->begin_lines(json_lines, keeps);
    co_await reply.send_lines();
    co_await channel_->end_lines();
    const bool is_released = session->state() == LockSession::State::ended;
    const bool goes_on = *has_more && keeps && is_released;
    co_return goes_on;
  }

  // The client sends nothing more: any input, including the end of the connection, ends the stream.
  Task<> serve_stream(ApiResponse response) {
    const auto* events = std::get_if<TokenEvents>(&response);
    const auto* other = std::get_if<StreamAnswer>(&response);
    channel_->begin_lines(other == nullptr ? json_lines : other->content_type, false);
    channel_->on_input([self = shared_from_this()](bool /*more*/) { self->close(); });
    if (events != nullptr) {
      co_await send_token_events(context_.facade, context_.names, context_.timers.clock(), peer_,
                                 context_.limits.heartbeat, events->token, *channel_);
    } else if (other != nullptr) {
      co_await other->run(*channel_);
    }
    co_await channel_->end_lines();
  }

  void count(std::string_view kind, unsigned status) {
    if (context_.tally) context_.tally->answered(kind, status);
  }

  Executor executor_;
  Peer peer_;
  Context context_;
  std::shared_ptr<HttpChannel> channel_;
  asio::cancellation_signal cancel_;
  bool closed_ = false;
  std::shared_ptr<LockSession> lock_;
  unsigned locks_ = 0;  // one after the other, without another request between them
};

}  // namespace

std::shared_ptr<Connection> Connection::start(const Executor& executor, UniqueFd socket, Peer peer, Context context,
                                              std::function<void(const Connection*)> on_end) {
  auto connection = std::make_shared<ApiConnection>(executor, std::move(peer), std::move(context));
  connection->run(std::move(socket), std::move(on_end));
  return connection;
}

}  // namespace jeton::agent
