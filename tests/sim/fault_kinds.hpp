// The kinds of faults: a table has what each is called, holds, begins, ends, and which promises it suspends. To add
// one: a name here, a row in the file of what it befalls (fault_rows.hpp).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "agent/base/time.hpp"
#include "tests/sim/invariant.hpp"

namespace jeton::sim {

enum class FaultKind : std::uint8_t {
  crash,
  reboot,
  state_lost,
  stop,
  pause,
  server_killed,
  server_down,
  server_frozen,
  server_cut,
  server_clock,
  writes_refused,
  key_evicted,
  flushed,
  host_partition,
  server_partition,
  latency,
  provider_outage,
  retry_after,
  provider_refusal,
  same_token,
  answer_lost,
  answer_unusable,
  answer_unread,
  provider_slow,
  provider_hangs,
  dated_end,
  wall_step,
  segment_fails,
  operator_refresh,
  rejection,
  failover,
  slow_script,
  message_repeated,
  drift,
  server_drift,
  run_full,
  disk_full,
  old_token_ends,
  rate_limit,
  provider_clock,
  failpoint_kill,
  answer_hostile,
  reload,
  count  // how many there are
};

// What a fault holds while it lasts.
enum class Resource : std::uint8_t {
  agent,
  server,
  server_clock,
  writes,
  way,
  server_way,
  latency,
  provider,
  answer_time,
  dated,
  wall,
  segment,
  disk,
  script_time,
  messages,
  successor,
  rate_limit,
  none
};

struct World;
struct Fault;

struct FaultInfo {
  FaultKind kind{};
  const char* name = "";
  Resource resource{};
  enum class Target : std::uint8_t { nothing, host, server } target{};
  agent::Milliseconds shortest{};  // zero both: a moment
  agent::Milliseconds longest{};
  InvariantSet suspends = 0;  // the promises that the pages do not make for it
  void (*begin)(World& world, const Fault& fault) = nullptr;
  void (*end)(World& world, const Fault& fault) = nullptr;  // null for a moment
};

[[nodiscard]] const FaultInfo& info(FaultKind kind);
[[nodiscard]] constexpr std::size_t index(FaultKind kind) { return static_cast<std::size_t>(kind); }
inline constexpr std::size_t fault_kind_count = index(FaultKind::count);

}  // namespace jeton::sim
