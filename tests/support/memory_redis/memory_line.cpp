#include "tests/support/memory_redis/memory_line.hpp"

#include <algorithm>

namespace jeton::test::memory_redis {

using Fault = MemoryNetwork::Fault;
using Received = agent::redis::Transport::Received;

void Direction::send(agent::Timers& timers, agent::Duration latency, std::optional<std::string> piece,
                     std::function<void()> arrived) {
  last_arrival_ = std::max(last_arrival_, timers.clock().boot_now() + latency);
  pieces_.push_back(std::move(piece));
  timers.schedule(last_arrival_, std::move(arrived));
}

void Direction::arrive(bool blocked, const Deliver& deliver) {
  ++arrived_;
  pass(blocked, deliver);
}

void Direction::pass(bool blocked, const Deliver& deliver) {
  while (!blocked && arrived_ > 0) {
    --arrived_;
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    deliver(std::move(piece));
  }
}

MemoryLine::MemoryLine(agent::Timers& timers, std::shared_ptr<Site> site, Latency latency)
    : timers_(timers),
      site_(std::move(site)),
      server_(site_->server),
      latency_(std::move(latency)),
      readable_(timers) {}

void MemoryLine::open() {
  const auto weak = weak_from_this();
  session_ = server_->accept(
      [weak](std::string bytes) {
        if (const auto line = weak.lock()) line->to_client(std::move(bytes));
      },
      [weak] {
        const auto line = weak.lock();
        if (!line) return;
        line->session_.reset();
        line->to_client(std::nullopt);
      },
      site_->address.host);
}

// Both ends see it at once: a reset.
void MemoryLine::break_off() {
  if (session_) server_->disconnected(std::exchange(session_, nullptr));
  ended_ = true;
  readable_.notify();
}

void MemoryLine::fault_changed() {
  if (site_->fault == Fault::refused) {
    break_off();
    return;
  }
  requests_.pass(requests_blocked(), [this](auto piece) { at_server(std::move(piece)); });
  replies_.pass(replies_blocked(), [this](auto piece) { at_client(std::move(piece)); });
}

agent::Task<Received> MemoryLine::read_some(std::span<char> into) {
  const auto self = shared_from_this();
  while (received_.empty()) {
    if (closed_) co_return Received("operation canceled");
    if (ended_) co_return Received("the server closed the connection");
    co_await readable_.wait();
  }
  const std::size_t size = std::min(into.size(), received_.size());
  std::copy_n(received_.begin(), size, into.begin());
  received_.erase(0, size);
  co_return Received(size);
}

void MemoryLine::write(std::string_view bytes) {
  if (closed_) throw agent::TransportError("bad file descriptor");
  if (ended_) throw agent::TransportError("broken pipe");
  to_server(std::string(bytes));
}

void MemoryLine::close() {
  if (std::exchange(closed_, true)) return;
  to_server(std::nullopt);
  readable_.notify();
}

void MemoryLine::to_server(std::optional<std::string> piece) {
  requests_.send(timers_, latency_(), std::move(piece), [self = shared_from_this()] {
    self->requests_.arrive(self->requests_blocked(), [&](auto arrived) { self->at_server(std::move(arrived)); });
  });
}

void MemoryLine::to_client(std::optional<std::string> piece) {
  if (site_->fault == Fault::reply_is_fatal && piece) {
    break_off();
    return;
  }
  replies_.send(timers_, latency_(), std::move(piece), [self = shared_from_this()] {
    self->replies_.arrive(self->replies_blocked(), [&](auto arrived) { self->at_client(std::move(arrived)); });
  });
}

void MemoryLine::at_server(std::optional<std::string> piece) {
  if (!session_) return;
  if (piece) {
    const auto session = session_;
    server_->receive(session, *piece);
  } else {
    server_->finished(std::exchange(session_, nullptr));
  }
}

void MemoryLine::at_client(std::optional<std::string> piece) {
  if (piece) {
    received_ += *piece;
  } else {
    ended_ = true;
  }
  readable_.notify();
}

bool MemoryLine::requests_blocked() const {
  return dead_ || site_->fault == Fault::no_connection || site_->fault == Fault::silent || site_->fault == Fault::held;
}

bool MemoryLine::replies_blocked() const {
  return dead_ || site_->client_stopped || site_->fault == Fault::no_connection || site_->fault == Fault::silent ||
         site_->fault == Fault::deaf;
}

}  // namespace jeton::test::memory_redis
