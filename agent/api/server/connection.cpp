#include "agent/api/server/connection.hpp"

#include <poll.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_cat.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

#include "agent/api/line_stream.hpp"
#include "agent/api/locks/lock_reply.hpp"
#include "agent/api/server/routes.hpp"
#include "agent/api/tokens/token_stream.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Socket = asio::local::stream_protocol::socket;
using Request = http::request<http::string_body>;

// The answer to a client whose request could not be read. None: the client has gone.
std::optional<ApiAnswer> read_failure(const boost::system::error_code& error, const ApiLimits& limits) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_answer(431, "header_too_large",
                        "the header is larger than " + std::to_string(limits.header_bytes) + " bytes");
  }
  if (error == http::error::body_limit) {
    return error_answer(413, "body_too_large",
                        "the body is larger than " + std::to_string(limits.body_bytes) + " bytes");
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return error_answer(400, "bad_request", "not an HTTP/1.1 request: " + error.message());
  }
  return std::nullopt;
}

// HTTP, deadlines and the end of a connection. What is said over it is decided elsewhere: answer(), TokenStream,
// LockReply.
class HttpConnection final : public Connection,
                             private LineStream,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(const Executor& executor, UniqueFd fd, Peer peer, Context context)
      : context_(context),
        peer_(std::move(peer)),
        socket_(executor),
        buffer_(buffer_limit(context.limits)),
        waits_since_(boot_now()) {
    socket_.assign(asio::local::stream_protocol(), fd.get());
    fd.release();
  }

  void run(std::function<void(const Connection*)> on_end) {
    asio::co_spawn(socket_.get_executor(), serve(),
                   asio::bind_cancellation_slot(
                       cancel_.slot(), [self = shared_from_this(), on_end = std::move(on_end)](std::exception_ptr) {
                         self->close();
                         on_end(self.get());
                       }));
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    disarm();
    if (lock_) lock_->cancel();
    cancel_.emit(asio::cancellation_type::terminal);
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  [[nodiscard]] const Peer& peer() const override { return peer_; }
  // A request may have arrived that the loop has not come to yet. A client that reads no answers wins nothing by
  // sending.
  [[nodiscard]] std::optional<BootTime> waits_since() override {
    if (waits_for_request_ && is_ready(POLLIN)) return std::nullopt;
    return waits_since_;
  }

 private:
  // Room for a header and a body that are just within their limits.
  static std::size_t buffer_limit(const ApiLimits& limits) { return limits.header_bytes + limits.body_bytes; }

  // Requests one after another, until one of the two has had enough. Ends by an exception when closed.
  Task<> serve() {
    check_open();  // it may have been closed before its first turn
    for (bool more = true; more;) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(static_cast<std::uint32_t>(context_.limits.header_bytes));
      parser.body_limit(context_.limits.body_bytes);
      const boost::system::error_code error = co_await read(parser);
      if (error) {
        const auto failure = read_failure(error, context_.limits);
        if (failure) co_await send(*failure, parser.get(), false);
        co_return;
      }
      const Request request = parser.release();
      ApiResponse response = respond(request);
      const bool busy = std::holds_alternative<LaterAnswer>(response) || std::holds_alternative<TokenEvents>(response);
      if (busy && context_.may_be_busy && !context_.may_be_busy(this)) {
        response = error_answer(503, "too_many_connections",
                                "too many streams and calls are under way at the agent; try again later");
      }
      if (auto* opened = std::get_if<OpenedLock>(&response)) {
        co_await serve_lock(std::move(opened->session), request);
        co_return;
      }
      const auto* events = std::get_if<TokenEvents>(&response);
      if (events != nullptr && request.method() == http::verb::get) {
        co_await stream_events(events->token, request);
        co_return;
      }
      ApiAnswer answer;  // to HEAD of a stream: as it is
      if (auto* known = std::get_if<ApiAnswer>(&response)) answer = std::move(*known);
      if (auto* later = std::get_if<LaterAnswer>(&response)) answer = co_await finish(std::move(later->work), request);
      more = request.keep_alive();
      co_await send(answer, request, more);
    }
  }

  // The deadline covers the whole request: sending one byte now and then wins no time.
  Task<boost::system::error_code> read(http::request_parser<http::string_body>& parser) {
    boost::system::error_code error;
    arm(context_.limits.read_deadline);
    waits_since_ = boot_now();
    waits_for_request_ = true;
    co_await http::async_read(socket_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    check_open();
    waits_since_.reset();
    waits_for_request_ = false;
    disarm();
    co_return error;
  }

  // An exception here is a fault of the agent's: the client gets a 500, the log the reason.
  ApiResponse respond(const Request& request) {
    try {
      return answer({std::string(request.method_string()), std::string(request.target()), request.body()}, peer_,
                    context_.facade, context_.names, now());
    } catch (const std::exception& e) {
      log::error("local API: a request failed", {{"target", std::string(request.target())}, {"error", e.what()}});
      return error_answer(500, "internal", "the agent failed to answer; its log says why");
    }
  }

  Task<ApiAnswer> finish(std::function<Task<ApiAnswer>()> work, const Request& request) {
    std::string failure;
    ApiAnswer answer;
    try {
      answer = co_await work();
    } catch (const TransportError& e) {
      failure = e.what();
    }
    check_open();
    if (failure.empty()) co_return answer;
    log::debug("local API: the coordinator could not be asked",
               {{"target", std::string(request.target())}, {"error", failure}});
    co_return error_answer(503, "coordinator_unreachable", failure);
  }

  Task<> serve_lock(std::shared_ptr<LockSession> session, const Request& request) {
    lock_ = session;
    if (context_.on_lock) context_.on_lock(this);
    watch_for_end(session);
    LockReply reply(session, *this, context_.timers.clock(), context_.limits.heartbeat);
    const LockReply::Form form = co_await reply.form();
    if (form == LockReply::Form::answer) {
      const ApiAnswer answer = reply.answer();
      co_await send(answer, request, false);
      session->deliver();
    } else if (form == LockReply::Form::lines) {
      begin_stream(request);
      co_await reply.send_lines();
      co_await end_stream();
    }
  }

  Task<> stream_events(std::string token, const Request& request) {
    begin_stream(request);
    watch_for_close();
    TokenStream stream(context_.facade, context_.names, context_.timers.clock(), peer_, context_.limits.heartbeat);
    co_await stream.run(std::move(token), *this);
    co_await end_stream();
  }

  // The kernel says so while less than a quarter of its buffer is waiting, so there is room left for the last line.
  [[nodiscard]] bool has_room() override { return is_ready(POLLOUT); }
  [[nodiscard]] bool is_ready(short events) {
    pollfd asked{socket_.native_handle(), events, 0};
    return ::poll(&asked, 1, 0) != 0;
  }
  void when_room(std::function<void()> ready) override {
    if (std::exchange(waits_for_room_, true)) return;
    socket_.async_wait(Socket::wait_write,
                       [self = shared_from_this(), ready = std::move(ready)](const boost::system::error_code&) {
                         self->waits_for_room_ = false;
                         ready();
                       });
  }

  // The client has nothing more to say: whatever arrives, its end above all, ends the lock. It may still read that it
  // was given back.
  void watch_for_end(const std::shared_ptr<LockSession>& session) {
    socket_.async_read_some(asio::buffer(ignored_input_),
                            [session](const boost::system::error_code&, std::size_t) { session->cancel(); });
  }

  Task<> send(const ApiAnswer& answer, const Request& request, bool keep_alive) {
    http::response<http::string_body> message(http::int_to_status(answer.status), version_for(request));
    set_common(message, "application/json");
    if (!answer.allow.empty()) message.set(http::field::allow, answer.allow);
    message.keep_alive(keep_alive);
    message.content_length(answer.body.size());
    if (request.method() != http::verb::head) message.body() = answer.body;
    arm(context_.limits.write_deadline);
    waits_since_ = boot_now();
    http::response_serializer<http::string_body> serializer(message);
    if (request.method() == http::verb::head) {
      co_await http::async_write_header(socket_, serializer, asio::use_awaitable);
    } else {
      co_await http::async_write(socket_, serializer, asio::use_awaitable);
    }
    check_open();
    waits_since_.reset();
    disarm();
  }

  // Goes out together with the first line.
  void begin_stream(const Request& request) {
    chunked_ = request.version() >= 11;
    http::response<http::empty_body> message(http::status::ok, version_for(request));
    set_common(message, "application/x-ndjson");
    message.keep_alive(false);
    message.chunked(chunked_);
    std::ostringstream text;
    text << message.base();
    stream_head_ = text.str();
  }

  Task<> send_line(std::string line) override {
    const std::string head = std::exchange(stream_head_, {});
    if (chunked_) {
      co_await send_raw(boost::beast::buffers_cat(asio::buffer(head), http::make_chunk(asio::buffer(line))));
    } else {
      co_await send_raw(boost::beast::buffers_cat(asio::buffer(head), asio::buffer(line)));
    }
  }

  Task<> end_stream() {
    if (chunked_) co_await send_raw(asio::buffer("0\r\n\r\n", 5));
  }

  template <typename Buffers>
  Task<> send_raw(Buffers buffers) {
    arm(context_.limits.write_deadline);
    co_await asio::async_write(socket_, buffers, asio::use_awaitable);
    check_open();
    disarm();
  }

  // On a stream the client has nothing more to say: whatever arrives, its end above all, ends the stream.
  void watch_for_close() {
    socket_.async_read_some(asio::buffer(ignored_input_), [self = shared_from_this()](const boost::system::error_code&,
                                                                                      std::size_t) { self->close(); });
  }

  void arm(Duration limit) {
    disarm();
    deadline_ = context_.timers.schedule(context_.timers.clock().boot_now() + limit, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->close();
    });
  }

  void disarm() {
    if (deadline_ != 0) context_.timers.cancel(std::exchange(deadline_, 0));
  }

  // A completion may already be queued when close() is called; nothing of the context may be used after it.
  void check_open() const override {
    if (closed_) throw boost::system::system_error(asio::error::operation_aborted);
  }

  static unsigned version_for(const Request& request) { return request.version() >= 11 ? 11U : 10U; }

  template <typename Message>
  static void set_common(Message& message, const char* content_type) {
    message.set(http::field::content_type, content_type);
    message.set(http::field::cache_control, "no-store");
  }

  [[nodiscard]] WallTime now() const { return context_.timers.clock().wall_now(); }
  [[nodiscard]] BootTime boot_now() const { return context_.timers.clock().boot_now(); }

  Context context_;
  Peer peer_;
  Socket socket_;
  boost::beast::flat_buffer buffer_;
  std::array<char, 64> ignored_input_{};
  asio::cancellation_signal cancel_;
  Timers::Id deadline_ = 0;
  std::optional<BootTime> waits_since_;
  bool waits_for_request_ = true;
  bool closed_ = false;
  std::shared_ptr<LockSession> lock_;
  bool waits_for_room_ = false;
  bool chunked_ = false;     // the stream
  std::string stream_head_;  // of a stream that has not begun yet
};

}  // namespace

std::shared_ptr<Connection> Connection::start(const Executor& executor, UniqueFd socket, Peer peer, Context context,
                                              std::function<void(const Connection*)> on_end) {
  auto connection = std::make_shared<HttpConnection>(executor, std::move(socket), std::move(peer), context);
  connection->run(std::move(on_end));
  return connection;
}

}  // namespace jeton::agent
