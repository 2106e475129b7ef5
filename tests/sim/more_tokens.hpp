// MoreTokens: the tokens of each host beside the first one, each with a provider and segments of its own, and with the
// invariants that are about a token. For plans without faults. One thread: the loop's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class MoreTokens {
 public:
  // Of the world's plan. What they violate, the world violates.
  explicit MoreTokens(World& world);
  ~MoreTokens();
  MoreTokens(const MoreTokens&) = delete;
  MoreTokens& operator=(const MoreTokens&) = delete;

  // The agents run.
  void start();
  void key_changed(std::size_t server, const std::string& key);
  void each_turn();
  [[nodiscard]] bool are_well();
  // Before the agents are stopped.
  void stop();
  [[nodiscard]] bool have_stopped();

  [[nodiscard]] std::uint64_t calls() const;  // to the providers
  [[nodiscard]] std::string hashes() const;

 private:
  struct Token;

  void tell(const Token& token);

  World& world_;
  std::vector<std::unique_ptr<Token>> tokens_;
  BootTime next_round_{};
  std::size_t well_ = 0;     // so many have been well
  std::size_t stopped_ = 0;  // so many refresh loops, token after token
};

}  // namespace jeton::sim
