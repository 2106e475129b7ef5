// Makes a source of the token `t` from its configuration, and what its parts need in a test.
#pragma once

#include <utility>

#include "agent/provider/factory.hpp"

namespace jeton::test {

inline agent::TokenConfig token_by(agent::SourceConfig source, std::size_t capacity = 8192) {
  agent::TokenConfig token;
  token.name = "t";
  token.source = std::move(source);
  token.capacity = capacity;
  return token;
}

// The timers of a loop with a clock that the test sets. For a source that only asks what time it is.
class SetTimers final : public agent::Timers {
 public:
  struct SetClock final : agent::Clock {
    [[nodiscard]] agent::WallTime wall_now() const override { return wall; }
    [[nodiscard]] agent::BootTime boot_now() const override { return boot; }
    void pass(agent::Milliseconds time) {
      wall += time;
      boot += time;
    }
    agent::WallTime wall = agent::from_unix_ms(1'795'000'000'000);
    agent::BootTime boot{};
  };

  explicit SetTimers(agent::Timers& loop) : loop_(loop) {}
  [[nodiscard]] const agent::Clock& clock() const override { return set_clock; }
  [[nodiscard]] agent::Executor executor() override { return loop_.executor(); }
  Id schedule(agent::BootTime when, Callback callback) override { return loop_.schedule(when, std::move(callback)); }
  bool cancel(Id id) override { return loop_.cancel(id); }

  SetClock set_clock;

 private:
  agent::Timers& loop_;
};

}  // namespace jeton::test
