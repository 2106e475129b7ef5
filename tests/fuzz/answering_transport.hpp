// AnsweringTransport: the end of a connection to a Redis server whose answers are a text (redis_trial.hpp). Single use;
// one thread: the loop's.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::fuzz {

inline constexpr char end_of_answer = '\xff';

// What all connections of one trial share: the answers that are left, and the sizes in which they arrive.
class Answers {
 public:
  Answers(std::string_view text, unsigned split) : rest_(text), split_(split) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  std::string_view next() {
    const std::size_t end = std::min(rest_.find(end_of_answer), rest_.size());
    const std::string_view answer = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return answer;
  }
  // Of the next piece of so many bytes: some of them, at least one.
  std::size_t piece(std::size_t size) {
    if (split_ == 0) return size;
    split_ = split_ * 5 + 3;
    return std::min<std::size_t>(size, 1 + (split_ >> 4U) % 7);
  }

 private:
  std::string_view rest_;
  unsigned split_;
};

class AnsweringTransport final : public agent::redis::Transport {
 public:
  AnsweringTransport(agent::Timers& timers, std::shared_ptr<Answers> answers)
      : state_(std::make_shared<State>(timers, std::move(answers))) {}

  agent::Task<Received> read_some(std::span<char> into) override {
    const std::shared_ptr<State> state = state_;
    while (state->said.empty() && !state->closed) co_await state->changed.wait();
    if (state->closed) co_return Received("closed");
    const std::size_t size = std::min(into.size(), state->answers->piece(state->said.size()));
    std::memcpy(into.data(), state->said.data(), size);
    state->said.erase(0, size);
    if (state->said.empty() && state->answers->done()) state->closed = true;
    co_return Received(size);
  }
  agent::Task<> write(std::string_view /*bytes*/) override {
    state_->said += state_->answers->next();
    if (state_->said.empty() && state_->answers->done()) state_->closed = true;
    state_->changed.notify();
    co_return;
  }
  void close() noexcept override {
    state_->closed = true;
    state_->changed.notify();
  }

 private:
  struct State {
    State(agent::Timers& timers, std::shared_ptr<Answers> a) : answers(std::move(a)), changed(timers) {}
    std::shared_ptr<Answers> answers;
    std::string said;
    bool closed = false;
    agent::Event changed;
  };
  std::shared_ptr<State> state_;  // outlives the transport until its reader has noticed
};

}  // namespace jeton::fuzz
