#include "agent/api/connection.hpp"

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

#include "agent/api/lock_json.hpp"
#include "agent/api/lock_news.hpp"
#include "agent/api/routes.hpp"
#include "agent/api/status_json.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Socket = asio::local::stream_protocol::socket;
using Request = http::request<http::string_body>;

// What to tell a client whose request could not be read; empty: it has gone, there is nobody to tell.
std::optional<ApiResponse> read_failure(const boost::system::error_code& error, const ApiLimits& limits) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_response(431, "header_too_large",
                          "the header is larger than " + std::to_string(limits.header_bytes) + " bytes");
  }
  if (error == http::error::body_limit) {
    return error_response(413, "body_too_large",
                          "the body is larger than " + std::to_string(limits.body_bytes) + " bytes");
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return error_response(400, "bad_request", "not an HTTP/1.1 request: " + error.message());
  }
  return std::nullopt;
}

class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection> {
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
      const bool busy = response.later || !response.events.empty();
      if (busy && context_.may_be_busy && !context_.may_be_busy(this)) {
        response = error_response(503, "too_many_connections",
                                  "too many streams and calls are under way at the agent; try again later");
      }
      if (response.later) response = co_await finish(std::move(response.later), request);
      if (response.lock) {
        co_await serve_lock(std::move(response.lock), request);
        co_return;
      }
      if (!response.events.empty() && request.method() == http::verb::get) {
        co_await stream_events(response.events, request);
        co_return;
      }
      more = request.keep_alive();
      co_await send(response, request, more);
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
      return error_response(500, "internal", "the agent failed to answer; its log says why");
    }
  }

  Task<ApiResponse> finish(std::function<Task<ApiResponse>()> work, const Request& request) {
    std::string failure;
    ApiResponse response;
    try {
      response = co_await work();
    } catch (const TransportError& e) {
      failure = e.what();
    }
    check_open();
    if (failure.empty()) co_return response;
    log::debug("local API: the coordinator could not be asked",
               {{"target", std::string(request.target())}, {"error", failure}});
    co_return error_response(503, "coordinator_unreachable", failure);
  }

  // What becomes of a lock, until it ends or the client goes. An answer that is known at once, and the one of a
  // detached lock, is a plain response; the rest is a stream.
  Task<> serve_lock(std::shared_ptr<LockSession> session, const Request& request) {
    using State = LockSession::State;
    lock_ = session;
    if (context_.on_lock) context_.on_lock(this);
    watch_for_end(session);
    const bool detached = session->request().detached;
    const auto undecided = [&] {
      const State state = session->state();
      return state == State::trying || state == State::releasing || (detached && state == State::waiting);
    };
    while (undecided()) {
      co_await session->changed().wait();
      check_open();
    }
    const State first = session->state();
    if (first == State::handed_over) co_return;
    if (first != State::busy && first != State::failed && !(first == State::held && detached)) {
      co_await stream_lock(session, request);
      co_return;
    }
    const ApiResponse response = lock_answer(*session);
    co_await send(response, request, false);
    session->deliver();
  }

  [[nodiscard]] ApiResponse lock_answer(LockSession& session) const {
    ApiResponse response;
    if (session.state() == LockSession::State::failed) {
      response = error_response(503, "coordinator_unreachable", session.reason());
    } else if (session.state() == LockSession::State::busy) {
      response.status = 409;
      response.body = lock_busy_json(session, boot_now());
    } else {
      response.body = lock_json(session.held().front().id.name, session.held().front().lease);
    }
    return response;
  }

  // Each line is made of the state that it is sent in, so a line that waited behind another is never old.
  Task<> stream_lock(std::shared_ptr<LockSession> session, const Request& request) {
    const bool chunked = request.version() >= 11;
    begin_stream(chunked, request);
    LockNews news(*session);
    for (BootTime heartbeat = next_heartbeat();;) {
      const char* event = news.next();
      const bool over = news.is_over();
      // Who holds a lock may read nothing for as long as it likes, and then reads the newest.
      if (LockNews::can_wait(event) && !has_room()) {
        wait_for_room(session);
        co_await session->changed().wait();
        check_open();
        continue;
      }
      if (event != nullptr) {
        const std::string line = lock_event(event, *session, boot_now());
        news.told(event);
        co_await send_line(line, chunked);
        heartbeat = next_heartbeat();
      }
      if (over) break;
      if (event != nullptr) continue;
      const bool notified = co_await session->changed().wait_until(heartbeat);
      check_open();
      if (notified) continue;
      if (has_room()) {
        const std::string line = lock_event("heartbeat", *session, boot_now());
        co_await send_line(line, chunked);
      }
      heartbeat = next_heartbeat();
    }
    if (chunked) co_await send_raw(asio::buffer("0\r\n\r\n", 5));
  }

  // The kernel says so while less than a quarter of its buffer is waiting, so there is room left for the last line.
  [[nodiscard]] bool has_room() { return is_ready(POLLOUT); }
  [[nodiscard]] bool is_ready(short events) {
    pollfd asked{socket_.native_handle(), events, 0};
    return ::poll(&asked, 1, 0) != 0;
  }
  void wait_for_room(const std::shared_ptr<LockSession>& session) {
    if (std::exchange(waits_for_room_, true)) return;
    socket_.async_wait(Socket::wait_write, [self = shared_from_this(), session](const boost::system::error_code&) {
      self->waits_for_room_ = false;
      session->changed().notify();
    });
  }

  // The client has nothing more to say: whatever arrives, its end above all, ends the lock. It may still read that it
  // was given back.
  void watch_for_end(const std::shared_ptr<LockSession>& session) {
    socket_.async_read_some(asio::buffer(ignored_input_),
                            [session](const boost::system::error_code&, std::size_t) { session->cancel(); });
  }

  Task<> send(const ApiResponse& response, const Request& request, bool keep_alive) {
    http::response<http::string_body> message(http::int_to_status(response.status), version_for(request));
    set_common(message, "application/json");
    if (!response.allow.empty()) message.set(http::field::allow, response.allow);
    message.keep_alive(keep_alive);
    message.content_length(response.body.size());
    if (request.method() != http::verb::head) message.body() = response.body;
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

  // First the state, then a line whenever the summary differs from the last one sent. Changes that come while a line is
  // on its way are seen on the next turn: the comparison, not the notification, decides. Other tokens' changes wake the
  // stream too, so the time of the heartbeat moves only when a line is sent. The token's readers may change by a
  // reload: the right to read is asked for each time.
  Task<> stream_events(std::string name, const Request& request) {
    const bool chunked = request.version() >= 11;
    begin_stream(chunked, request);
    watch_for_close();
    std::string sent;
    for (BootTime heartbeat = next_heartbeat();;) {
      const auto status = context_.facade.token_status(name);
      const AccessConfig* access = context_.facade.token_access(name);
      const bool gone = !status || access == nullptr;
      if (gone || !may_read(peer_, *access, context_.names)) {
        co_await send_line(event_json(gone ? "removed" : "forbidden", now(), {}), chunked);
        break;
      }
      std::string summary = token_summary(*status);
      if (summary != sent) {
        const char* event = sent.empty() ? "state" : "change";
        sent = std::move(summary);
        co_await send_line(event_json(event, now(), sent), chunked);
        heartbeat = next_heartbeat();
        continue;
      }
      const bool notified = co_await context_.facade.changed().wait_until(heartbeat);
      check_open();
      if (notified) continue;
      co_await send_line(event_json("heartbeat", now(), {}), chunked);
      heartbeat = next_heartbeat();
    }
    if (chunked) co_await send_raw(asio::buffer("0\r\n\r\n", 5));
  }

  [[nodiscard]] BootTime next_heartbeat() const {
    return context_.timers.clock().boot_now() + context_.limits.heartbeat;
  }

  // Goes out together with the first line.
  void begin_stream(bool chunked, const Request& request) {
    http::response<http::empty_body> message(http::status::ok, version_for(request));
    set_common(message, "application/x-ndjson");
    message.keep_alive(false);
    message.chunked(chunked);
    std::ostringstream text;
    text << message.base();
    stream_head_ = text.str();
  }

  Task<> send_line(const std::string& line, bool chunked) {
    const std::string head = std::exchange(stream_head_, {});
    if (chunked) {
      co_await send_raw(boost::beast::buffers_cat(asio::buffer(head), http::make_chunk(asio::buffer(line))));
    } else {
      co_await send_raw(boost::beast::buffers_cat(asio::buffer(head), asio::buffer(line)));
    }
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
  void check_open() const {
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
