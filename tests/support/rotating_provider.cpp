#include "tests/support/rotating_provider.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/task.hpp"
#include "agent/http/request/read_request.hpp"

namespace jeton::test {
namespace {

namespace asio = boost::asio;
using agent::Task;
using Tcp = asio::ip::tcp;
using Request = agent::HttpRequestParser::value_type;
using Clock = std::chrono::steady_clock;

std::string parameter(const std::string& form, const std::string& name) {
  const std::size_t at = ("&" + form).find("&" + name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 1;
  return form.substr(begin, form.find('&', begin) - begin);
}

}  // namespace

class RotatingProvider::Server {
 public:
  explicit Server(const Options& options) : options_(options) {
    sign_in();
    acceptor_.open(Tcp::v4());
    acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Server() {
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  template <typename Action>
  auto locked(Action action) const {
    const std::lock_guard lock(mutex_);
    return action();
  }

  std::string sign_in() {
    history_ = {"refresh-" + random_.hex(16)};
    revoked_ = false;
    access_tokens_.clear();
    return history_.back();
  }

  std::vector<std::string> history_;  // refresh tokens of the family; the last one is current
  bool revoked_ = false;
  std::set<std::string> access_tokens_;
  int lose_answers_ = 0;
  int lose_requests_ = 0;
  Counts counts_;

 private:
  Task<> accept() {
    for (;;) {
      Tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
    }
  }

  Task<> serve(Tcp::socket accepted) {
    try {
      agent::HttpSocket socket(std::move(accepted));
      boost::beast::flat_buffer buffer;
      agent::HttpRequestParser parser;
      const boost::system::error_code error = co_await agent::read_request(socket, buffer, parser);
      if (error) co_return;
      const std::optional<std::string> text = locked([&] { return handle(parser.get()); });
      if (text) co_await asio::async_write(socket, asio::buffer(*text), asio::use_awaitable);
    } catch (const boost::system::system_error&) {
      // The peer gave up.
    }
  }

  // Nothing: the connection ends.
  std::optional<std::string> handle(const Request& request) {
    ++counts_.requests;
    if (lose_requests_ > 0) {
      --lose_requests_;
      return std::nullopt;
    }
    std::string response = refresh(parameter(request.body(), "refresh_token"));
    if (lose_answers_ > 0) {
      --lose_answers_;
      return std::nullopt;
    }
    return response;
  }

  std::string refresh(const std::string& presented) {
    const bool current = !revoked_ && presented == history_.back();
    const bool last = !revoked_ && history_.size() > 1 && presented == history_[history_.size() - 2];
    const bool again = last && Clock::now() - rotated_at_ < options_.reuse;
    if (!current && !again) {
      for (const std::string& old : history_) {
        if (old != presented) continue;
        ++counts_.replays;
        revoked_ = true;
        access_tokens_.clear();
      }
      return answer("400 Bad Request", R"({"error":"invalid_grant","error_description":"unknown, used or revoked"})");
    }
    const std::string access = "access-" + random_.hex(16);
    access_tokens_.insert(access);
    ++counts_.issued;
    std::string body = R"({"access_token":")" + access + R"(","token_type":"Bearer","expires_in":60)";
    if (options_.rotates) {
      if (current) {
        history_.push_back("refresh-" + random_.hex(16));
        rotated_at_ = Clock::now();
      }
      body += R"(,"refresh_token":")" + history_.back() + "\"";
    }
    return answer("200 OK", body + "}");
  }

  static std::string answer(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  const Options options_;
  agent::OsRandom random_;
  mutable std::mutex mutex_;
  Clock::time_point rotated_at_;
  asio::io_context context_{1};
  Tcp::acceptor acceptor_{context_};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

RotatingProvider::RotatingProvider(const Options& options) : server_(std::make_unique<Server>(options)) {}
RotatingProvider::~RotatingProvider() = default;

std::string RotatingProvider::token_url() const {
  return "http://127.0.0.1:" + std::to_string(server_->port()) + "/token";
}
std::string RotatingProvider::first_refresh_token() const {
  return server_->locked([&] { return server_->history_.front(); });
}
std::string RotatingProvider::sign_in_again() {
  return server_->locked([&] { return server_->sign_in(); });
}
bool RotatingProvider::accepts(const std::string& access_token) const {
  return server_->locked([&] { return server_->access_tokens_.contains(access_token); });
}
bool RotatingProvider::family_revoked() const {
  return server_->locked([&] { return server_->revoked_; });
}
void RotatingProvider::lose_answers(int times) {
  server_->locked([&] { server_->lose_answers_ = times; });
}
void RotatingProvider::lose_requests(int times) {
  server_->locked([&] { server_->lose_requests_ = times; });
}
void RotatingProvider::forget_last_rotation() {
  server_->locked([&] { server_->history_.pop_back(); });
}
RotatingProvider::Counts RotatingProvider::counts() const {
  return server_->locked([&] { return server_->counts_; });
}

}  // namespace jeton::test
