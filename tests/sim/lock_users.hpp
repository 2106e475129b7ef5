// LockUsers: applications that compete for one lock, each at the production LockBroker of its host: they wait or do
// not, hold for a while, which may be several times to live, release, and die with their host. One thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/locks/lock_broker.hpp"
#include "tests/sim/lock_invariants.hpp"
#include "tests/support/seeded_random.hpp"

namespace jeton::sim {

class LockUsers {
 public:
  explicit LockUsers(World& world);
  ~LockUsers();
  LockUsers(const LockUsers&) = delete;
  LockUsers& operator=(const LockUsers&) = delete;

  void each_turn();
  // They ask less often: a recovery may take hours, and shows nothing more by each attempt.
  void faults_are_over() { longest_rest_ = std::chrono::seconds(30); }
  void calm_begins();
  void everybody_had_it();
  // They end, each in order.
  void stop() { stopping_ = true; }
  [[nodiscard]] bool stopped() const;
  void nothing_is_left();

 private:
  static constexpr Duration usual_rest = std::chrono::seconds(5);

  // The broker of one run of an agent.
  struct Site {
    std::size_t run = 0;
    std::unique_ptr<agent::LockBroker> broker;
    bool over = false;  // its stop() has returned
  };
  struct User {
    std::string name;
    std::size_t host = 0;
    std::shared_ptr<agent::LockSession> session{};
    bool holds = false;
    BootTime since{};
    BootTime next_at{};  // asks, or gives back, by the world's clock
    std::uint64_t grants = 0;
  };

  void follow_host(std::size_t host);
  void end_site(std::size_t host, bool crashed);
  void act(User& user);
  [[nodiscard]] Belief belief_of(const User& user) const;
  void ask(User& user);
  void wake(User& user, Duration longest);
  // So that each has several turns in a lifetime of the token, also among hundreds.
  [[nodiscard]] Duration longest_hold() const;

  World& world_;
  LockInvariants invariants_;
  test::SeededRandom random_;
  std::vector<std::unique_ptr<Site>> sites_;  // by host
  std::vector<std::unique_ptr<Site>> ended_;
  std::vector<User> users_;
  Duration longest_rest_ = usual_rest;  // from one attempt of a user to the next
  bool stopping_ = false;
};

}  // namespace jeton::sim
