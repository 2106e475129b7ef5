// FetchBudget: limits the calls of the fleet to a token's provider. Its contract is that of lease_store.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"

namespace jeton::agent {

// The limits of a token's configuration. A call is checked and counted before it is made, so that a crash cannot spend
// twice.
struct FetchLimits {
  Duration min_interval{};   // between the starts of two fetches; zero: none
  std::uint64_t budget = 0;  // fetches per window; zero: unlimited
  Duration budget_window{};
  // The calls of the fleet in the running window, as this host knows them: a store that lost its count starts from
  // here.
  std::uint64_t known_calls = 0;
  Duration known_window_left{};
};

enum class FetchRefusal { min_interval, budget, lock_lost, record_changed };

// For people: "min_interval", "budget", "lock lost", "another host published".
[[nodiscard]] constexpr std::string_view name_of(FetchRefusal refusal) {
  switch (refusal) {
    case FetchRefusal::min_interval:
      return "min_interval";
    case FetchRefusal::budget:
      return "budget";
    case FetchRefusal::lock_lost:
      return "lock lost";
    case FetchRefusal::record_changed:
      return "another host published";
  }
  return "";
}

struct Admission {
  std::optional<FetchRefusal> refusal{};  // none: admitted
  BootTime retry_at{};                    // if refused: when it may be admitted
  std::uint64_t calls_used = 0;           // in the running window, this one included if admitted
  BootTime window_end{};                  // if admitted: when the count starts again

  [[nodiscard]] bool admitted() const { return !refusal; }
};

class FetchBudget {
 public:
  virtual ~FetchBudget() = default;

  // Whether the holder of this lease may call the provider now; counts the call if it may. A store that can compare in
  // one step refuses if its record has changed since the lease was taken: the new one may be valid.
  virtual Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) = 0;
  // The calls of the whole fleet to the provider in the running window.
  virtual Task<FetchUsage> usage(const std::string& name) = 0;
  // After a data loss: raises the count to at least this one. Of `limits`, the window and min_interval count.
  virtual Task<> restore_usage(const std::string& name, FetchUsage usage, const FetchLimits& limits) = 0;
};

}  // namespace jeton::agent
