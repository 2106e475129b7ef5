// MemoryLine: one connection between a Redis client and a memory server. Private to the memory network.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/timers.hpp"
#include "tests/support/memory_redis/memory_network.hpp"

namespace jeton::test::memory_redis {

class MemoryLine;

// An address: the server behind it, the fault of the connection, and the connections that were opened by it.
struct Site {
  agent::redis::Address address;
  std::shared_ptr<MemoryServer> server;
  MemoryNetwork::Fault fault = MemoryNetwork::Fault::none;
  bool client_stopped = false;
  std::vector<std::weak_ptr<MemoryLine>> lines{};
};

// Pieces on their way in one direction. Pieces that arrive while the direction is blocked wait, in their order.
class Direction {
 public:
  using Deliver = std::function<void(std::optional<std::string> piece)>;

  void send(agent::Timers& timers, agent::Duration latency, std::optional<std::string> piece,
            std::function<void()> arrived);
  // The next piece has arrived; delivers all pieces that may pass.
  void arrive(bool blocked, const Deliver& deliver);
  void pass(bool blocked, const Deliver& deliver);

 private:
  std::deque<std::optional<std::string>> pieces_;  // none: the end of the stream
  std::size_t arrived_ = 0;
  agent::BootTime last_arrival_{};
};

class MemoryLine : public std::enable_shared_from_this<MemoryLine> {
 public:
  using Latency = std::function<agent::Duration()>;

  MemoryLine(agent::Timers& timers, std::shared_ptr<Site> site, Latency latency);

  void open();  // the server is up
  void break_off();
  // From now on nothing arrives in either direction, and no end is told.
  void die() { dead_ = true; }
  void fault_changed();
  [[nodiscard]] bool is_open() const { return !closed_; }  // the client has it

  // Functions for the client's end.
  agent::Task<agent::redis::Transport::Received> read_some(std::span<char> into);
  void write(std::string_view bytes);
  void close();

 private:
  void to_client(std::optional<std::string> piece);
  void to_server(std::optional<std::string> piece);
  void at_client(std::optional<std::string> piece);
  void at_server(std::optional<std::string> piece);
  [[nodiscard]] bool requests_blocked() const;
  [[nodiscard]] bool replies_blocked() const;

  agent::Timers& timers_;
  std::shared_ptr<Site> site_;
  std::shared_ptr<MemoryServer> server_;  // that the address led to when it was opened
  Latency latency_;
  std::shared_ptr<Session> session_;  // null after the server has closed it
  Direction requests_;
  Direction replies_;
  std::string received_;
  bool ended_ = false;   // by the server, and the client has seen it
  bool closed_ = false;  // by the client
  bool dead_ = false;
  agent::Event readable_;
};

}  // namespace jeton::test::memory_redis
