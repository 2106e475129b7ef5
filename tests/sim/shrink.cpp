#include "tests/sim/shrink.hpp"

#include <algorithm>

namespace jeton::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const Plan& plan, const RunPlan& run, std::size_t most_runs) : run_(run), most_runs_(most_runs) {
    best_ = {plan, run(plan), 1};
  }

  Shrunk shrink() {
    if (!best_.outcome.violation) return best_;
    end_at_violation();
    drop_faults();
    drop_hosts();
    shorten_faults();
    bring_faults_forward();
    shorten_plan();
    drop_faults();
    return best_;
  }

 private:
  bool try_plan(Plan plan) {
    if (best_.runs >= most_runs_) return false;
    ++best_.runs;
    Outcome outcome = run_(plan);
    if (!outcome.violation || outcome.violation->invariant != best_.outcome.violation->invariant) return false;
    best_.plan = std::move(plan);
    best_.outcome = std::move(outcome);
    return true;
  }

  // What comes later changes nothing, but for the invariants of the end.
  void end_at_violation() {
    Plan plan = best_.plan;
    const Duration end = best_.outcome.violation->at;
    std::erase_if(plan.faults, [&](const Fault& fault) { return fault.at > end; });
    plan.length = std::min(plan.length, end);
    const bool smaller = plan.faults.size() < best_.plan.faults.size() || plan.length < best_.plan.length;
    if (smaller) try_plan(std::move(plan));
  }

  void drop_faults() {
    std::size_t pieces = 2;
    while (!best_.plan.faults.empty() && best_.runs < most_runs_) {
      const std::size_t size = best_.plan.faults.size();
      pieces = std::min(pieces, size);
      if (drop_one_of(pieces)) {
        pieces = std::max<std::size_t>(pieces - 1, 2);
      } else if (pieces == size) {
        return;
      } else {
        pieces *= 2;
      }
    }
  }

  bool drop_one_of(std::size_t pieces) {
    const std::size_t size = best_.plan.faults.size();
    for (std::size_t i = pieces; i-- > 0;) {
      Plan plan = best_.plan;
      const auto at = [&](std::size_t piece) {
        return plan.faults.begin() + static_cast<std::ptrdiff_t>(piece * size / pieces);
      };
      plan.faults.erase(at(i), at(i + 1));
      if (try_plan(std::move(plan))) return true;
    }
    return false;
  }

  void drop_hosts() {
    while (best_.plan.hosts > 1) {
      Plan plan = best_.plan;
      --plan.hosts;
      std::erase_if(plan.faults, [&](const Fault& fault) {
        return info(fault.kind).target == FaultInfo::Target::host && fault.target >= plan.hosts;
      });
      if (!try_plan(std::move(plan))) return;
    }
  }

  void shorten_faults() {
    for (std::size_t i = 0; i < best_.plan.faults.size(); ++i) {
      for (;;) {
        Plan plan = best_.plan;
        Fault& fault = plan.faults[i];
        if (fault.length / 2 < info(fault.kind).shortest || fault.length == Duration{}) break;
        fault.length /= 2;
        if (!try_plan(std::move(plan))) break;
      }
    }
  }

  // Each with all that come behind it, and with the end of the plan.
  void bring_faults_forward() {
    for (std::size_t i = 0; i < best_.plan.faults.size(); ++i) {
      Duration sooner = room_before(i);
      while (sooner >= least_time && best_.runs < most_runs_) {
        Plan plan = best_.plan;
        for (std::size_t k = i; k < plan.faults.size(); ++k) plan.faults[k].at -= sooner;
        plan.length = std::max(plan.length - sooner, Duration{0});
        sooner = try_plan(std::move(plan)) ? std::min(sooner, room_before(i)) : sooner / 2;
      }
    }
  }

  // The order stays, and no two faults of one resource come to overlap.
  [[nodiscard]] Duration room_before(std::size_t i) const {
    const auto& faults = best_.plan.faults;
    Duration room = faults[i].at - (i == 0 ? Duration{0} : faults[i - 1].at);
    for (std::size_t before = 0; before < i; ++before) {
      for (std::size_t behind = i; behind < faults.size(); ++behind) {
        const Resource resource = info(faults[behind].kind).resource;
        const bool meet = resource != Resource::none && resource == info(faults[before].kind).resource &&
                          faults[behind].target == faults[before].target;
        const Duration end = faults[before].at + faults[before].length + std::chrono::milliseconds(1);
        if (meet) room = std::min(room, faults[behind].at - end);
      }
    }
    return room;
  }

  // Down to nothing, else to about the least that is needed.
  void shorten_plan() {
    if (best_.plan.length == Duration{0} || try_length(Duration{0})) return;
    Duration too_short{0};
    while (best_.plan.length - too_short > least_time && best_.runs < most_runs_) {
      const Duration middle = too_short + (best_.plan.length - too_short) / 2;
      if (!try_length(middle)) too_short = middle;
    }
  }
  bool try_length(Duration length) {
    Plan plan = best_.plan;
    plan.length = length;
    return try_plan(std::move(plan));
  }

  static constexpr Duration least_time = std::chrono::seconds(1);
  const RunPlan& run_;
  std::size_t most_runs_;
  Shrunk best_;
};

}  // namespace

Shrunk shrink(const Plan& plan, const RunPlan& run, std::size_t most_runs) {
  return Shrinker(plan, run, most_runs).shrink();
}

}  // namespace jeton::sim
