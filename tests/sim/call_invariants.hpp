// CallInvariants: what the calls to the provider must keep to: budget, min_interval, pauses, one at a time, and the
// chain of refresh tokens. Hears of each call when it begins and when it has ended.
//
// A fleet with the local backend is as many fleets as it has hosts. One thread: the loop's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class CallInvariants {
 public:
  explicit CallInvariants(World& world) : world_(world) {}

  void heard(const test::ProviderCall& call);

 private:
  struct Failure {
    BootTime at;
    Duration pause;  // that the fleet keeps at least
  };
  struct Group {
    std::vector<BootTime> calls;
    std::map<std::string, std::vector<BootTime>> open;  // by host: when they began
    std::optional<Failure> failure;
    std::optional<BootTime> window_began_at;   // by the store, at the last call
    std::optional<BootTime> state_changed_by;  // when the call began that brought the present refresh token
  };

  [[nodiscard]] Group& group_of(const std::string& host);
  void began(Group& group, const test::ProviderCall& call);
  void ended(Group& group, const test::ProviderCall& call);
  void check_budget(const Group& group, const std::string& host);
  void check_count_in_store(Group& group, const std::string& host);
  void check_interval(const Group& group, const std::string& host);
  void check_alone(const Group& group, const std::string& host);
  void check_pause(const Group& group, const std::string& host);
  [[nodiscard]] Duration pause_after(const test::ProviderCall& call) const;
  [[nodiscard]] std::size_t losses_for_good(BootTime since) const;
  [[nodiscard]] bool counts_by_a_stepped_clock() const;

  World& world_;
  std::map<std::string, Group> groups_;
};

}  // namespace jeton::sim
