#include "tests/support/redis_proxy.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::test {
namespace {

using boost::asio::ip::tcp;
using Failed = boost::system::error_code;

tcp::endpoint loopback(std::uint16_t port) { return {boost::asio::ip::address_v4::loopback(), port}; }

// The words on the wire as commands of their own, not inside a script or a key.
constexpr std::string_view by_text = "$4\r\nEVAL\r\n";
constexpr std::string_view replicate = "$5\r\nPSYNC\r\n";
constexpr std::string_view by_sha1 = "$7\r\nEVALSHA\r\n";

}  // namespace

// Everything below runs on the proxy's own thread; the pieces are small, so they are written at once.
class RedisProxy::Impl {
 public:
  explicit Impl(std::uint16_t to) : to_(to), acceptor_(loop_, loopback(0)) {
    accept();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Impl() {
    loop_.stop();
    thread_.join();
  }

  template <typename Step>
  auto on_loop(Step step) {
    std::packaged_task<decltype(step())()> task(std::move(step));
    auto done = task.get_future();
    boost::asio::post(loop_, [&task] { task(); });
    return done.get();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void set(Mode mode) {
    mode_ = mode;
    for (const auto& weak : pairs_) {
      const auto pair = weak.lock();
      if (!pair) continue;
      if (mode == Mode::refused) pair->end();
      if (mode != Mode::held && !pair->waiting.empty()) pair->pass(pair->server, std::exchange(pair->waiting, {}));
    }
    pass_unheard();
  }

  void hold_replication(bool held) {
    replication_is_held_ = held;
    pass_unheard();
  }

  bool holds(const std::string& text) const {
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& weak) {
      const auto pair = weak.lock();
      return pair && pair->waiting.find(text) != std::string::npos;
    });
  }

  std::size_t scripts_sent(const std::string& text) const {
    return static_cast<std::size_t>(std::count_if(scripts_.begin(), scripts_.end(), [&](const std::string& script) {
      return script.find(text) != std::string::npos;
    }));
  }

 private:
  struct Pair {
    Pair(tcp::socket from, boost::asio::io_context& loop) : client(std::move(from)), server(loop), delay(loop) {}
    void end() {
      Failed ignored;
      client.close(ignored);
      server.close(ignored);
    }
    void pass(tcp::socket& to, const std::string& bytes) {
      Failed failed;
      boost::asio::write(to, boost::asio::buffer(bytes), failed);
      if (failed) end();
    }
    tcp::socket client;
    tcp::socket server;
    boost::asio::steady_timer delay;
    std::array<char, 65536> asked{};
    std::array<char, 65536> answered{};
    std::string waiting;
    std::string unheard;
    bool is_of_a_replica = false;
  };

  [[nodiscard]] bool is_deaf(const Pair& pair) const {
    return mode_ == Mode::deaf || (replication_is_held_ && pair.is_of_a_replica);
  }

  void pass_unheard() {
    for (const auto& weak : pairs_) {
      const auto pair = weak.lock();
      if (pair && !is_deaf(*pair) && !pair->unheard.empty()) {
        pair->pass(pair->client, std::exchange(pair->unheard, {}));
      }
    }
  }

  void accept() {
    acceptor_.async_accept([this](const Failed& failed, tcp::socket client) {
      if (failed) return;
      const auto pair = std::make_shared<Pair>(std::move(client), loop_);
      Failed unreachable;
      if (mode_ != Mode::refused) pair->server.connect(loopback(to_), unreachable);
      if (mode_ != Mode::refused && !unreachable) {
        std::erase_if(pairs_, [](const auto& weak) { return weak.expired(); });
        pairs_.push_back(pair);
        read_request(pair);
        read_answer(pair);
      }
      accept();
    });
  }

  void read_request(const std::shared_ptr<Pair>& pair) {
    pair->client.async_read_some(boost::asio::buffer(pair->asked), [this, pair](const Failed& failed, std::size_t n) {
      if (failed) return pair->end();
      std::string bytes(pair->asked.data(), n);
      if (bytes.find(replicate) != std::string::npos) pair->is_of_a_replica = true;
      for (auto at = bytes.find(by_text); at != std::string::npos; at = bytes.find(by_text, at + 1)) {
        scripts_.push_back(bytes.substr(at));
        // The text of a script is the sum of none.
        if (mode_ == Mode::forgetful) bytes.replace(at, by_text.size(), by_sha1);
      }
      if (mode_ == Mode::held) {
        pair->waiting += bytes;
      } else if (mode_ == Mode::slow) {
        return pass_late(pair, std::move(bytes));
      } else {
        pair->pass(pair->server, bytes);
      }
      read_request(pair);
    });
  }

  // The next ones wait behind it, in their order.
  void pass_late(const std::shared_ptr<Pair>& pair, std::string bytes) {
    pair->delay.expires_after(slow_request);
    pair->delay.async_wait([this, pair, bytes = std::move(bytes)](const Failed&) {
      pair->pass(pair->server, bytes);
      read_request(pair);
    });
  }

  void read_answer(const std::shared_ptr<Pair>& pair) {
    pair->server.async_read_some(boost::asio::buffer(pair->answered),
                                 [this, pair](const Failed& failed, std::size_t n) {
                                   if (failed) return pair->end();
                                   const std::string bytes(pair->answered.data(), n);
                                   if (is_deaf(*pair)) {
                                     pair->unheard += bytes;
                                   } else {
                                     pair->pass(pair->client, bytes);
                                   }
                                   read_answer(pair);
                                 });
  }

  std::uint16_t to_;
  boost::asio::io_context loop_;
  tcp::acceptor acceptor_;
  Mode mode_ = Mode::open;
  bool replication_is_held_ = false;
  std::vector<std::weak_ptr<Pair>> pairs_;
  std::vector<std::string> scripts_;
  std::thread thread_;
};

RedisProxy::RedisProxy(std::uint16_t to) : impl_(std::make_unique<Impl>(to)) {}
RedisProxy::~RedisProxy() = default;

std::uint16_t RedisProxy::port() const { return impl_->port(); }
std::string RedisProxy::url() const { return "redis://127.0.0.1:" + std::to_string(port()) + "/0"; }
void RedisProxy::set(Mode mode) {
  impl_->on_loop([&] { impl_->set(mode); });
}
void RedisProxy::hold_replication(bool held) {
  impl_->on_loop([&] { impl_->hold_replication(held); });
}
bool RedisProxy::holds(const std::string& text) const {
  return impl_->on_loop([&] { return impl_->holds(text); });
}
std::size_t RedisProxy::scripts_sent(const std::string& text) const {
  return impl_->on_loop([&] { return impl_->scripts_sent(text); });
}

}  // namespace jeton::test
