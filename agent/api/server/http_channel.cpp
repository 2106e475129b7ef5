#include "agent/api/server/http_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/request/read_request.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

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

constexpr const char* last_chunk = "0\r\n\r\n";
// Of a connection that holds a lock: as much as the request of a usual client needs.
constexpr std::size_t largest_kept_buffer = 1024;

std::string chunk_of(const std::string& text) {
  std::array<char, 2 * sizeof(std::size_t)> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), text.size(), 16).ptr;
  std::string chunk(digits.data(), end);
  return chunk.append("\r\n").append(text).append("\r\n");
}

class BeastChannel final : public HttpChannel, public std::enable_shared_from_this<BeastChannel> {
 public:
  BeastChannel(const Executor& executor, UniqueFd fd, Timers& timers, const ApiLimits& limits,
               std::function<void()> on_late)
      : timers_(timers),
        limits_(limits),
        on_late_(std::move(on_late)),
        socket_(executor),
        buffer_(limits.header_bytes + limits.body_bytes),  // a header and a body that are just within their limits
        waits_since_(boot_now()) {
    socket_.assign(asio::generic::stream_protocol(AF_UNSPEC, 0), fd.get());  // the family counts only for a new socket
    fd.release();
  }

  // The deadline covers the whole request: sending single bytes gains no time.
  Task<Incoming> read() override {
    check_open();
    skip_empty_lines();
    HttpRequestParser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(limits_.body_bytes);
    arm(limits_.read_deadline);
    waits_since_ = boot_now();
    waits_for_request_ = true;
    const boost::system::error_code error = co_await read_request(socket_, buffer_, parser);
    check_open();
    waits_since_.reset();
    waits_for_request_ = false;
    disarm();
    http::request<http::string_body>& message = parser.get();
    is_http_1_1_ = message.version() >= 11;
    is_head_ = message.method() == http::verb::head;
    Incoming incoming;
    if (error) {
      incoming.refusal = read_failure(error, limits_);
    } else {
      incoming.keep_alive = message.keep_alive();
      incoming.keeps_locks = is_http_1_1_ && http::token_list(message[http::field::connection]).exists("keep-alive");
      incoming.request =
          ApiRequest{std::string(message.method_string()), std::string(message.target()), std::move(message.body()),
                     std::string(message[http::field::accept]), std::string(message[http::field::host])};
    }
    co_return incoming;
  }

  Task<> send(ApiAnswer answer, bool keep_alive) override {
    std::string text = head_of(answer.status, answer.content_type);
    if (!answer.allow.empty()) text.append("Allow: ").append(answer.allow).append("\r\n");
    if (!answer.policy.empty()) {
      text.append("Content-Security-Policy: ").append(answer.policy).append("\r\n");
      text.append("X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n");
    }
    text.append("Content-Length: ").append(std::to_string(answer.body.size())).append("\r\n");
    text.append(connection_field(keep_alive)).append("\r\n");
    if (!is_head_) text.append(answer.body);
    waits_since_ = boot_now();
    co_await send_text(std::move(text));
    check_open();
    waits_since_.reset();
  }

  // A completion may already be queued when close() is called.
  void check_open() const override {
    if (closed_) throw boost::system::system_error(asio::error::operation_aborted);
  }

  void begin_lines(const std::string& content_type, bool keep) override {
    if (!keep || buffer_.capacity() > largest_kept_buffer) buffer_.shrink_to_fit();
    stream_head_ = head_of(200, content_type);
    if (is_http_1_1_) stream_head_ += "Transfer-Encoding: chunked\r\n";
    stream_head_.append(keep ? "Connection: keep-alive\r\n" : connection_field(false)).append("\r\n");
    has_last_chunk_ = false;
  }

  Task<> send_line(std::string line) override {
    std::string text = with_head(line);
    co_await send_text(std::move(text));
  }

  Task<> send_last_line(std::string line) override {
    std::string text = with_head(line);
    if (is_http_1_1_) text += last_chunk;
    has_last_chunk_ = true;
    co_await send_text(std::move(text));
  }

  Task<> end_lines() override {
    if (is_http_1_1_ && !has_last_chunk_) co_await send_text(last_chunk);
  }

  // The kernel says so while less than a quarter of its buffer is waiting, so there is room left for the last line.
  // What it said holds until the next write.
  [[nodiscard]] bool has_room() override {
    has_room_ = has_room_ || is_ready(POLLOUT);
    return has_room_;
  }
  void when_room(std::function<void()> ready) override {
    const bool waits = on_room_ != nullptr;
    on_room_ = std::move(ready);
    if (waits) return;
    socket_.async_wait(HttpSocket::wait_write, [self = shared_from_this()](const boost::system::error_code&) {
      std::exchange(self->on_room_, nullptr)();
    });
  }

  void on_input(std::function<void(bool more)> heard) override {
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this(), heard = std::move(heard)](
                                                      const boost::system::error_code& error, std::size_t size) {
      const bool more = !error && self->keep_input(size);
      if (self->closed_) return heard(more);
      self->timers_.burst([&] { heard(more); });
    });
  }

  // A request may have arrived that the loop has not read yet. A client that reads no answers gains nothing by
  // sending.
  [[nodiscard]] std::optional<BootTime> waits_since() override {
    if (waits_for_request_ && is_ready(POLLIN)) return std::nullopt;
    return waits_since_;
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    disarm();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  // What the socket takes at once, nearly always all, needs neither a deadline nor a turn of the loop. An error is left
  // to the write of the rest.
  Task<> send_text(std::string text) {
    has_room_ = false;
    const ssize_t sent = ::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(text.size())) co_return;
    const std::string_view rest = std::string_view(text).substr(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    arm(limits_.write_deadline);
    co_await asio::async_write(socket_, asio::buffer(rest.data(), rest.size()), asio::use_awaitable);
    check_open();
    disarm();
  }

  [[nodiscard]] std::string with_head(const std::string& line) {
    std::string text = std::exchange(stream_head_, {});
    return text += is_http_1_1_ ? chunk_of(line) : line;
  }

  // False: more has come than one request may have.
  bool keep_input(std::size_t size) {
    if (buffer_.size() + size > buffer_.max_size()) return false;
    buffer_.commit(asio::buffer_copy(buffer_.prepare(size), asio::buffer(input_.data(), size)));
    return true;
  }

  // An empty line before a request means nothing (RFC 9112, 2.2); a client ends its lock with one.
  void skip_empty_lines() {
    const std::string_view received(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.consume(std::min(received.find_first_not_of("\r\n"), received.size()));
  }

  [[nodiscard]] bool is_ready(short events) {
    pollfd asked{socket_.native_handle(), events, 0};
    return ::poll(&asked, 1, 0) != 0;
  }

  void arm(Duration limit) {
    disarm();
    deadline_ = timers_.schedule(timers_.clock().boot_now() + limit, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->deadline_ = 0;
      self->on_late_();
    });
  }

  void disarm() {
    if (deadline_ != 0) timers_.cancel(std::exchange(deadline_, 0));
  }

  // The fields that every answer has.
  [[nodiscard]] std::string head_of(unsigned status, std::string_view content_type) const {
    std::string head = is_http_1_1_ ? "HTTP/1.1 " : "HTTP/1.0 ";
    head.append(std::to_string(status)).append(" ").append(http::obsolete_reason(http::int_to_status(status)));
    head.append("\r\nContent-Type: ").append(content_type).append("\r\nCache-Control: no-store\r\n");
    // For browsers: no other site embeds an answer, and none takes one for a script.
    head.append("Cross-Origin-Resource-Policy: same-origin\r\nX-Content-Type-Options: nosniff\r\n");
    return head;
  }

  // Only if it is not the way of the version.
  [[nodiscard]] std::string_view connection_field(bool keep_alive) const {
    if (keep_alive == is_http_1_1_) return {};
    return keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  }

  [[nodiscard]] BootTime boot_now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  ApiLimits limits_;
  std::function<void()> on_late_;
  HttpSocket socket_;
  boost::beast::flat_buffer buffer_;
  std::array<char, 64> input_{};
  Timers::Id deadline_ = 0;
  std::optional<BootTime> waits_since_;
  bool waits_for_request_ = true;
  bool has_room_ = false;          // it is known, since nothing was written
  std::function<void()> on_room_;  // empty: room is not waited for
  bool closed_ = false;
  bool is_http_1_1_ = true;  // the last request
  bool is_head_ = false;     // the last request
  std::string stream_head_;  // of a stream that has not begun yet
  bool has_last_chunk_ = false;
};

}  // namespace

std::shared_ptr<HttpChannel> HttpChannel::open(const Executor& executor, UniqueFd socket, Timers& timers,
                                               const ApiLimits& limits, std::function<void()> on_late) {
  return std::make_shared<BeastChannel>(executor, std::move(socket), timers, limits, std::move(on_late));
}

}  // namespace jeton::agent
