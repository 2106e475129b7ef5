// RawLine: a connection to a memory server, and the bytes that came over it.
#pragma once

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>
#include <string>

#include "tests/support/memory_redis/memory_servers.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {

class RawLine {
 public:
  // Throws TransportError if no connection comes about within the limit.
  RawLine(TestLoop& loop, MemoryServers& servers, std::size_t server = 0,
          agent::Duration limit = std::chrono::seconds(1))
      : loop_(loop) {
    const agent::redis::Connector connect = servers.network().connector();
    agent::redis::ConnectAttempt attempt;
    auto connected =
        loop.run(connect(loop.timers, MemoryServers::address(server), {}, loop.clock.boot_now() + limit, attempt));
    if (!connected.transport) throw agent::TransportError(connected.failure);
    state_->transport = std::move(connected.transport);
    boost::asio::co_spawn(loop.context, read(state_), boost::asio::detached);
  }
  ~RawLine() { close(); }
  RawLine(const RawLine&) = delete;
  RawLine& operator=(const RawLine&) = delete;

  void send(std::string_view bytes) { loop_.run(state_->transport->write(bytes)); }
  void command(const memory_redis::Words& words) {
    std::vector<memory_redis::Reply> parts;
    for (const std::string& word : words) parts.push_back(memory_redis::Reply::bulk(word));
    send(memory_redis::to_wire(memory_redis::Reply::array(std::move(parts))));
  }
  void close() { state_->transport->close(); }

  [[nodiscard]] const std::string& received() const { return state_->received; }
  // Why it has ended; empty: it has not.
  [[nodiscard]] const std::string& end() const { return state_->end; }

 private:
  struct State {
    std::unique_ptr<agent::redis::Transport> transport;
    std::string received;
    std::string end;
  };

  static agent::Task<> read(std::shared_ptr<State> state) {
    while (state->end.empty()) {
      std::array<char, 4096> chunk{};
      const auto received = co_await state->transport->read_some(chunk);
      state->received.append(chunk.data(), received.size);
      state->end = received.failure;
    }
  }

  TestLoop& loop_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace jeton::test
