// TokenUsers: an application on each host that uses its token every second, and reports one that the provider refuses,
// though it is shown as valid. Only where the provider ends tokens that a host cannot know of. One thread: the loop's.
#pragma once

#include <string>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class TokenUsers {
 public:
  explicit TokenUsers(World& world)
      : world_(world),
        are_there_(
            world.plan.misreads_dates() ||
            world.plan.has_one_of({FaultKind::old_token_ends, FaultKind::provider_clock, FaultKind::answer_hostile})) {}

  void each_turn() {
    if (!are_there_ || world_.now() < next_at_) return;
    next_at_ = world_.now() + std::chrono::seconds(1);
    static_cast<void>(world_.fleet.loop.timers.schedule(next_at_, [] {}));  // the loop turns then
    for (std::size_t host = 0; host < world_.plan.hosts; ++host) use(host);
  }

 private:
  void use(std::size_t host) {
    const test::ModelSegment& segment = world_.fleet.segments[host];
    if (!world_.answers(host) || !segment.record || segment.expired || segment.rejected) return;
    const std::string value(segment.record->value.reveal());
    if (!segment.record->valid(world_.fleet.clock_of(host)) || world_.fleet.provider.accepts(value)) return;
    world_.note(host_name(host), "a user reports that " + value + " is refused");
    world_.reject_token(host);
  }

  World& world_;
  bool are_there_;
  BootTime next_at_{};
};

}  // namespace jeton::sim
