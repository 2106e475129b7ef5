#include "tests/support/fault_provider.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/demo/provider.hpp"
#include "agent/http/request/read_request.hpp"
#include "tests/support/reserved_port.hpp"

namespace jeton::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using agent::Task;
using Tcp = asio::ip::tcp;
using agent::HttpSocket;
using Request = agent::HttpRequestParser::value_type;

constexpr std::size_t huge_size = 50U * 1024 * 1024;
constexpr std::size_t piece_size = 64U * 1024;

std::string head(int status, const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " +
                     std::string(http::obsolete_reason(static_cast<http::status>(status))) +
                     "\r\nConnection: close\r\nContent-Type: application/json\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text;
}

std::string whole(int status, const std::vector<std::pair<std::string, std::string>>& headers,
                  const std::string& body) {
  return head(status, headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

SeenRequest seen_request(const Request& request, agent::BootTime now) {
  SeenRequest seen{.method = std::string(request.method_string()),
                   .target = std::string(request.target()),
                   .headers = {},
                   .body = request.body(),
                   .at = std::chrono::system_clock::now(),
                   .boot_at = now};
  for (const auto& field : request) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    seen.headers[name] = std::string(field.value());
  }
  return seen;
}

}  // namespace

class FaultProvider::Server {
 public:
  explicit Server(const Options& options)
      : keep_alive_(options.keep_alive),
        issuer_({options.lifetime, options.lifetime, options.rate_interval, options.token_size}, random_) {
    listen();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Server() {
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_.port(); }

  void behave(Behaviour behaviour, int times) {
    const std::lock_guard lock(mutex_);
    behaviour_ = std::move(behaviour);
    times_ = times;
  }

  void set_lifetime(std::chrono::milliseconds lifetime) {
    const std::lock_guard lock(mutex_);
    issuer_.set_lifetime(lifetime);
  }

  void stop_listening() {
    on_thread([this] {
      acceptor_.close();
      for (HttpSocket* socket : sockets_) socket->close();
    });
  }

  void listen_again() {
    on_thread([this] { listen(); });
  }

  void end_delays() {
    on_thread([this] {
      for (asio::steady_timer* delay : delays_) delay->cancel();
    });
  }

  [[nodiscard]] Counts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  [[nodiscard]] std::vector<IssuedToken> issued() const {
    const std::lock_guard lock(mutex_);
    return issued_;
  }
  [[nodiscard]] std::vector<SeenRequest> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void on_thread(std::function<void()> action) {
    std::packaged_task<void()> task(std::move(action));
    std::future<void> done = task.get_future();
    asio::post(context_, std::move(task));
    done.get();
  }

  void listen() {
    const Tcp::endpoint loopback(asio::ip::address_v4::loopback(), port());
    acceptor_.open(loopback.protocol());
    acceptor_.set_option(Tcp::acceptor::reuse_address(true));
    acceptor_.bind(loopback);
    acceptor_.listen();
    asio::co_spawn(context_, accept(), asio::detached);
  }

  Task<> accept() {
    try {
      for (;;) {
        Tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
        asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
      }
    } catch (const boost::system::system_error&) {
      // stop_listening()
    }
  }

  void count(std::uint64_t Counts::*which, std::int64_t by = 1) {
    const std::lock_guard lock(mutex_);
    counts_.*which += static_cast<std::uint64_t>(by);
  }

  Task<> serve(Tcp::socket accepted) {
    count(&Counts::connections);
    count(&Counts::open);
    boost::system::error_code ignored;
    const std::string address = accepted.remote_endpoint(ignored).address().to_string();
    HttpSocket socket(std::move(accepted));
    sockets_.insert(&socket);
    try {
      boost::beast::flat_buffer buffer;
      for (bool is_kept = true; is_kept;) {
        agent::HttpRequestParser parser;
        const boost::system::error_code error = co_await agent::read_request(socket, buffer, parser);
        if (error) throw boost::system::system_error(error);
        is_kept = co_await answer(socket, parser.get(), address);
      }
      socket.shutdown(HttpSocket::shutdown_send, ignored);
    } catch (const boost::system::system_error&) {
      // The peer gave up, which some behaviours are for.
    }
    sockets_.erase(&socket);
    count(&Counts::open, -1);
  }

  Behaviour take_behaviour(const Request& request) {
    const std::lock_guard lock(mutex_);
    ++counts_.requests;
    seen_.push_back(seen_request(request, clock_.boot_now()));
    const bool elsewhere = behaviour_.status / 100 == 3 && !request.target().starts_with("/token");
    if (elsewhere) return {};
    if (times_ == 0) behaviour_ = {};
    if (times_ > 0) --times_;
    if (behaviour_.kind != Behaviour::Kind::good) ++counts_.faults;
    return behaviour_;
  }

  std::string good_answer(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const agent::demo::TokenIssuer::Answer answer = issuer_.request(address, clock_.boot_now());
    if (answer.token.empty()) {
      ++counts_.refused;
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(answer.retry_after).count();
      return whole(429, {{"Retry-After", std::to_string(seconds)}}, R"({"error":"rate_limited"})");
    }
    ++counts_.issued;
    issued_.push_back(
        {answer.serial, answer.token, std::chrono::system_clock::now(), answer.lifetime, clock_.boot_now()});
    return whole(200, {},
                 R"({"access_token":")" + answer.token + R"(","token_type":"Bearer","expires_in":)" +
                     std::to_string(static_cast<double>(answer.lifetime.count()) / 1000) + "}");
  }

  // True: the connection is kept.
  Task<bool> answer(HttpSocket& socket, const Request& request, const std::string& address) {
    const Behaviour behaviour = take_behaviour(request);
    if (behaviour.delay.count() > 0) {
      asio::steady_timer timer(context_, behaviour.delay);
      delays_.insert(&timer);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      delays_.erase(&timer);
    }
    using Kind = Behaviour::Kind;
    switch (behaviour.kind) {
      case Kind::good: {
        std::string text = good_answer(address);
        if (keep_alive_) text.replace(text.find("close"), 5, "keep-alive");
        co_await write(socket, std::move(text));
        co_return keep_alive_;
      }
      case Kind::vanish:
        break;
      case Kind::answer:
        co_await write(socket, whole(behaviour.status, behaviour.headers, behaviour.body));
        break;
      case Kind::hang:
        co_await wait_for_the_end(socket);
        break;
      case Kind::stall:
        co_await write(socket, head(200, {}) + "Content-Length: 100\r\n\r\n{\"access_token\":");
        co_await wait_for_the_end(socket);
        break;
      case Kind::truncated:
        co_await write(socket, head(200, {}) + "Content-Length: 100\r\n\r\n{\"access_token\":\"cut");
        break;
      case Kind::headers_cut:
        co_await write(socket, head(200, behaviour.headers));
        break;
      case Kind::huge_length:
      case Kind::huge_chunked:
        co_await write_huge(socket, behaviour.kind == Kind::huge_chunked);
        break;
    }
    co_return false;
  }

  Task<> write(HttpSocket& socket, std::string text) {
    co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
  }

  Task<> wait_for_the_end(HttpSocket& socket) {
    char ignored[256];
    for (;;) co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
  }

  Task<> write_huge(HttpSocket& socket, bool chunked) {
    const std::string framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(huge_size);
    const std::string piece =
        chunked ? "10000\r\n" + std::string(piece_size, ' ') + "\r\n" : std::string(piece_size, ' ');
    try {
      co_await write(socket, head(200, {}) + framing + "\r\n\r\n");
      for (std::size_t sent = 0; sent < huge_size; sent += piece_size) {
        co_await write(socket, piece);
        count(&Counts::huge_bytes, piece_size);
      }
      if (chunked) co_await write(socket, "0\r\n\r\n");
    } catch (const boost::system::system_error&) {
      // The peer had enough.
    }
    count(&Counts::huge_ended);
  }

  const bool keep_alive_;
  agent::OsRandom random_;
  agent::SystemClock clock_;
  asio::io_context context_{1};
  // Runs on while nobody listens.
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  Tcp::acceptor acceptor_{context_};
  std::set<HttpSocket*> sockets_;         // the thread's
  std::set<asio::steady_timer*> delays_;  // the thread's
  ReservedPort port_;

  mutable std::mutex mutex_;  // guards everything below, the issuer too
  agent::demo::TokenIssuer issuer_;
  Behaviour behaviour_;
  int times_ = -1;
  Counts counts_;
  std::vector<IssuedToken> issued_;
  std::vector<SeenRequest> seen_;
  std::thread thread_;
};

FaultProvider::FaultProvider(const Options& options) : server_(std::make_unique<Server>(options)) {}
FaultProvider::~FaultProvider() = default;

std::uint16_t FaultProvider::port() const { return server_->port(); }
std::string FaultProvider::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + path;
}
void FaultProvider::behave(Behaviour behaviour, int times) { server_->behave(std::move(behaviour), times); }
void FaultProvider::set_lifetime(std::chrono::milliseconds lifetime) { server_->set_lifetime(lifetime); }
void FaultProvider::end_delays() { server_->end_delays(); }
void FaultProvider::stop_listening() { server_->stop_listening(); }
void FaultProvider::listen_again() { server_->listen_again(); }
FaultProvider::Counts FaultProvider::counts() const { return server_->counts(); }
std::vector<IssuedToken> FaultProvider::issued() const { return server_->issued(); }
std::vector<SeenRequest> FaultProvider::seen() const { return server_->seen(); }

}  // namespace jeton::test
