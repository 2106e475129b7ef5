// A TCP server with the answers of the test: for replies that a real redis-server never sends.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::test {

class FakeServer {
 public:
  // What to send back for a piece of bytes that came in; empty: nothing. Runs on the loop. HELLO, which comes in a
  // piece of its own, is answered as by an old server.
  using Answer = std::function<std::string(std::string_view received)>;

  FakeServer(boost::asio::io_context& loop, Answer answer)
      : acceptor_(loop, {boost::asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)) {
    accept();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int disconnections() const { return *disconnections_; }
  // Takes no more connections and ends those that are open. The object must live on.
  void close() {
    acceptor_.close();
    for (const auto& weak : sessions_) {
      if (const auto session = weak.lock()) session->socket.close();
    }
  }

 private:
  struct Session {
    explicit Session(boost::asio::ip::tcp::socket s) : socket(std::move(s)) {}
    boost::asio::ip::tcp::socket socket;
    std::array<char, 65536> chunk{};
    std::string sending;
  };

  void accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr(disconnections_)](const boost::system::error_code& error,
                                                                          boost::asio::ip::tcp::socket socket) {
      if (error || alive.expired()) return;
      ++connections_;
      const auto session = std::make_shared<Session>(std::move(socket));
      sessions_.push_back(session);
      read(session);
      accept();
    });
  }

  void read(const std::shared_ptr<Session>& session) {
    const auto handler = [this, session, alive = std::weak_ptr(disconnections_)](const boost::system::error_code& error,
                                                                                 std::size_t size) {
      const auto disconnections = alive.lock();
      if (!disconnections) return;  // the server is gone
      if (error) {
        ++*disconnections;
        return;
      }
      const std::string_view received(session->chunk.data(), size);
      const bool greets = received == "*1\r\n$5\r\nHELLO\r\n";
      session->sending = greets ? "-ERR unknown command 'HELLO'\r\n" : answer_(received);
      if (session->sending.empty()) {
        read(session);
      } else {
        write(session);
      }
    };
    session->socket.async_read_some(boost::asio::buffer(session->chunk), handler);
  }

  void write(const std::shared_ptr<Session>& session) {
    const auto handler = [this, session, alive = std::weak_ptr(disconnections_)](const boost::system::error_code& error,
                                                                                 std::size_t) {
      if (!error && !alive.expired()) read(session);
    };
    boost::asio::async_write(session->socket, boost::asio::buffer(session->sending), handler);
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  Answer answer_;
  std::vector<std::weak_ptr<Session>> sessions_;
  int connections_ = 0;
  std::shared_ptr<int> disconnections_ = std::make_shared<int>(0);
};

// Greets like Redis, then answers every command with `reply`.
[[nodiscard]] inline FakeServer::Answer greets_then(std::string reply) {
  return [reply = std::move(reply)](std::string_view received) {
    return received.find("PING") != std::string_view::npos ? std::string("+PONG\r\n") : reply;
  };
}

}  // namespace jeton::test
