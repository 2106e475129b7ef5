#include "agent/demo/provider.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <cstdio>
#include <thread>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/task.hpp"
#include "agent/http/request/read_request.hpp"

namespace jeton::agent::demo {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Request = HttpRequestParser::value_type;

constexpr std::string_view prefix = "demo.";
constexpr std::size_t random_bytes = 16;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

std::string checksum(std::string_view text) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(fnv1a(text)));
  return digits.data();
}

// `status` with its reason, `fields` with the ends of their lines.
std::string json_answer(std::string_view status, const std::string& body, const std::string& fields = {}) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ");
  return text + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

// Seconds with as many decimals as needed: 10, 2.5.
std::string decimal_seconds(Milliseconds ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", static_cast<double>(ms.count()) / 1000);
  return text.data();
}

}  // namespace

std::string make_checked_token(std::uint64_t serial, Random& random, std::size_t size) {
  std::string token(prefix);
  token += std::to_string(serial) + "." + random.hex(random_bytes);
  const std::size_t rest = 1 + 16;  // the dot and the checksum
  if (token.size() + rest < size) {
    const std::size_t missing = size - rest - token.size();
    token += random.hex((missing + 1) / 2).substr(0, missing);
  }
  return token + "." + checksum(token);
}

std::optional<std::uint64_t> checked_token_serial(std::string_view token) {
  const std::size_t dot = token.rfind('.');
  if (!token.starts_with(prefix) || dot == std::string_view::npos ||
      token.substr(dot + 1) != checksum(token.substr(0, dot))) {
    return std::nullopt;
  }
  std::uint64_t serial = 0;
  const char* const begin = token.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, token.data() + token.size(), serial);
  if (error != std::errc{} || *end != '.') return std::nullopt;
  return serial;
}

TokenIssuer::Answer TokenIssuer::request(const std::string& address, BootTime now) {
  const auto last = last_request_.find(address);
  if (last != last_request_.end() && now - last->second < options_.rate_interval) {
    Answer refusal;
    refusal.retry_after = std::chrono::ceil<Milliseconds>(options_.rate_interval - (now - last->second));
    return refusal;
  }
  last_request_[address] = now;
  previous_ = std::exchange(newest_, std::nullopt);
  if (previous_) previous_->end = std::min(previous_->end, now + options_.overlap);
  ++serial_;
  newest_ = Issued{make_checked_token(serial_, random_, options_.token_size), now + options_.lifetime};
  return Answer{newest_->token, serial_, options_.lifetime, {}};
}

bool TokenIssuer::accepts(std::string_view token, BootTime now) const {
  const auto is = [&](const std::optional<Issued>& issued) {
    return issued && issued->token == token && now < issued->end;
  };
  return is(newest_) || is(previous_);
}

class Provider::Server {
 public:
  Server(const IssuerOptions& options, const Clock& clock) : clock_(clock), issuer_(options, random_) {
    try {
      const Tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
      acceptor_.open(loopback.protocol());
      acceptor_.bind(loopback);
      acceptor_.listen();
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& e) {
      throw Error(std::string("the provider cannot listen on 127.0.0.1: ") + e.code().message());
    }
    start_task(context_.get_executor(), accept());
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Server() {
    context_.stop();
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] ProviderCounts counts() const { return {issued_.load(), refused_.load()}; }

 private:
  Task<> accept() {
    for (;;) {
      Tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      start_task(context_.get_executor(), serve(std::move(socket)));
    }
  }

  // One connection, as many requests as the client likes; ends quietly with it.
  Task<> serve(Tcp::socket accepted) {
    try {
      const std::string address = accepted.remote_endpoint().address().to_string();
      HttpSocket socket(std::move(accepted));
      boost::beast::flat_buffer buffer;
      for (bool more = true; more;) {
        HttpRequestParser parser;
        const boost::system::error_code error = co_await read_request(socket, buffer, parser);
        if (error) co_return;
        const std::string text = answer(parser.get(), address);
        more = parser.get().keep_alive();
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
      }
    } catch (const boost::system::system_error&) {
      // The client went away.
    }
  }

  std::string answer(const Request& request, const std::string& address) {
    if (request.target() == "/token") return token(address);
    if (request.target() == "/api") return api(request);
    return json_answer("404 Not Found", R"({"error":"not_found"})");
  }

  std::string token(const std::string& address) {
    const TokenIssuer::Answer answer = issuer_.request(address, clock_.boot_now());
    if (answer.token.empty()) {
      ++refused_;
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(answer.retry_after).count();
      return json_answer("429 Too Many Requests", R"({"error":"rate_limited"})",
                         "Retry-After: " + std::to_string(seconds) + "\r\n");
    }
    ++issued_;
    return json_answer("200 OK", R"({"access_token":")" + answer.token + R"(","token_type":"Bearer","expires_in":)" +
                                     decimal_seconds(answer.lifetime) + "}");
  }

  std::string api(const Request& request) {
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view authorization = request[http::field::authorization];
    if (authorization.starts_with(scheme) && issuer_.accepts(authorization.substr(scheme.size()), clock_.boot_now())) {
      return json_answer("200 OK", R"({"active":true})");
    }
    return json_answer("401 Unauthorized", R"({"active":false})");
  }

  const Clock& clock_;
  OsRandom random_;
  TokenIssuer issuer_;
  asio::io_context context_{1};
  Tcp::acceptor acceptor_{context_};
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> issued_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

Provider::Provider(const IssuerOptions& options, const Clock& clock)
    : server_(std::make_unique<Server>(options, clock)) {}

Provider::~Provider() = default;

std::uint16_t Provider::port() const { return server_->port(); }

std::string Provider::token_url() const { return "http://127.0.0.1:" + std::to_string(port()) + "/token"; }

ProviderCounts Provider::counts() const { return server_->counts(); }

}  // namespace jeton::agent::demo
