// The invariants of the simulation, by name. invariants.hpp has what each means.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace jeton::sim {

enum class Invariant : std::uint8_t {
  segment_goes_forward,
  server_goes_forward,
  one_token_a_generation,
  token_ends,
  token_is_there,
  budget,
  min_interval,
  pause_is_kept,
  one_fetch_at_a_time,
  no_needless_fetch,
  chain,
  recovery,
  bounded_work,
  nothing_left,
  one_holder,
  fences_rise,
  loss_is_told,
  lock_is_had,
  highest_fence,
  one_fetch_a_lifetime,
  lock_ends,
  bounded_memory,
  segment_is_adopted,
  segment_is_read,
  count  // how many there are
};

[[nodiscard]] constexpr const char* name_of(Invariant invariant) {
  switch (invariant) {
    case Invariant::segment_goes_forward:
      return "segment_goes_forward";
    case Invariant::server_goes_forward:
      return "server_goes_forward";
    case Invariant::one_token_a_generation:
      return "one_token_a_generation";
    case Invariant::token_ends:
      return "token_ends";
    case Invariant::token_is_there:
      return "token_is_there";
    case Invariant::budget:
      return "budget";
    case Invariant::min_interval:
      return "min_interval";
    case Invariant::pause_is_kept:
      return "pause_is_kept";
    case Invariant::one_fetch_at_a_time:
      return "one_fetch_at_a_time";
    case Invariant::no_needless_fetch:
      return "no_needless_fetch";
    case Invariant::chain:
      return "chain";
    case Invariant::recovery:
      return "recovery";
    case Invariant::bounded_work:
      return "bounded_work";
    case Invariant::nothing_left:
      return "nothing_left";
    case Invariant::one_holder:
      return "one_holder";
    case Invariant::fences_rise:
      return "fences_rise";
    case Invariant::loss_is_told:
      return "loss_is_told";
    case Invariant::lock_is_had:
      return "lock_is_had";
    case Invariant::highest_fence:
      return "highest_fence";
    case Invariant::one_fetch_a_lifetime:
      return "one_fetch_a_lifetime";
    case Invariant::lock_ends:
      return "lock_ends";
    case Invariant::bounded_memory:
      return "bounded_memory";
    case Invariant::segment_is_adopted:
      return "segment_is_adopted";
    case Invariant::segment_is_read:
      return "segment_is_read";
    case Invariant::count:
      break;
  }
  return "";
}

// A set of them, as bits.
using InvariantSet = std::uint32_t;
[[nodiscard]] constexpr InvariantSet bit(Invariant invariant) { return 1U << static_cast<unsigned>(invariant); }
[[nodiscard]] constexpr InvariantSet set_of(std::initializer_list<Invariant> invariants) {
  InvariantSet set = 0;
  for (const Invariant invariant : invariants) set |= bit(invariant);
  return set;
}

}  // namespace jeton::sim
