// Plan: the meaning of one seed: a fleet, its provider, and the faults that befall them at their times.
//
// Faults are drawn by swarm testing (Groce et al., "Swarm testing", ISSTA 2012): each seed has a random subset of the
// kinds, each with a rate of its own, because a run with all kinds at once hides what a run with few shows. Two faults
// that need the same thing (a server, a way, the provider) do not overlap. Pure data; the same seed gives the same
// plan.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "tests/sim/fault_kinds.hpp"

namespace jeton::sim {

using agent::Duration;
using agent::Milliseconds;

enum class Backend { local, redis, redlock };

struct Fault {
  Duration at{};  // since the start of the fleet
  FaultKind kind{};
  std::size_t target = 0;    // a host or a server, or 0
  Duration length{};         // zero: a moment
  std::uint64_t amount = 0;  // drawn for the kind to make what it wants of it
  std::size_t number = 0;    // in the plan of its seed, also when others were left out
};

struct Plan {
  std::uint64_t seed = 0;
  std::size_t hosts = 1;
  std::size_t tokens = 1;  // of each host
  Backend backend = Backend::local;
  std::size_t servers = 0;
  bool real_segments = false;  // the production ones, in files, which take their time
  agent::RefreshConfig refresh{};
  agent::BudgetConfig budget{};
  Milliseconds lock_ttl{15'000};
  std::optional<Milliseconds> fetch_alone{};
  Milliseconds lifetime{};
  Milliseconds answer_time{};
  bool revokes = false;
  bool rotates = false;        // a refresh token, which each call replaces
  std::size_t lock_users = 0;  // applications that compete for one lock
  Milliseconds lock_user_ttl{};
  Duration length{};  // the time in which faults begin; a fleet without any is watched as long
  std::vector<Fault> faults;

  [[nodiscard]] bool has(FaultKind kind) const;
  [[nodiscard]] bool has_one_of(std::initializer_list<FaultKind> kinds) const;
  // A host and the provider may take a date for different moments.
  [[nodiscard]] bool misreads_dates() const;
  [[nodiscard]] bool has_token(const std::string& name) const;
};

[[nodiscard]] Plan make_plan(std::uint64_t seed);

// "api", "api-1", "api-2"
[[nodiscard]] std::string name_of_token(std::size_t token);

// A line for the fleet, and one for each fault.
[[nodiscard]] std::string to_text(const Plan& plan);
[[nodiscard]] std::string to_text(const Fault& fault);

// "12.345s"
[[nodiscard]] std::string seconds_text(Duration duration);

}  // namespace jeton::sim
