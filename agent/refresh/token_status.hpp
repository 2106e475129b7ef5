// The status of one token: a snapshot for the API, the demo and the log; and the answer to a request for a refresh. No
// secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/record/record.hpp"

namespace jeton::agent {

enum class TokenState {
  none,  // no token yet
  valid,
  expired,  // the last one ran out and no new one could be had
};
[[nodiscard]] constexpr const char* to_string(TokenState state) {
  constexpr std::array names{"none", "valid", "expired"};
  return names.at(static_cast<std::size_t>(state));
}

// The step that the refresh loop is at (agent/README.md, "The refresh in steps").
enum class RefreshPhase { starting, quiet, acquiring, fetching, publishing, waiting, backing_off, stopped };
[[nodiscard]] constexpr const char* to_string(RefreshPhase phase) {
  constexpr std::array names{"starting",   "quiet",   "acquiring",   "fetching",
                             "publishing", "waiting", "backing_off", "stopped"};
  return names.at(static_cast<std::size_t>(phase));
}

// The state of the hook of an output (agent/outputs/hook.hpp).
struct HookStatus {
  std::string action;      // "reload nginx.service"
  bool is_due = false;     // a change has not been followed yet
  std::uint64_t runs = 0;  // since the agent started
  std::uint64_t failures = 0;
  std::optional<WallTime> last_run_at;
  std::string last_error;  // empty: the last run went well
  std::string id{};        // the same in every output that shares it
  bool operator==(const HookStatus&) const = default;
};

// A file that is written from the token (agent/outputs/output.hpp).
struct OutputStatus {
  enum class State {
    waiting,  // for a valid token
    written,  // the file has the token of `generation`, which may have expired since
    removed,  // because the token has expired
    failing,  // the last attempt failed; it is tried again
  };
  std::string path;
  State state = State::waiting;
  Generation generation = 0;
  std::optional<WallTime> written_at;  // when the agent last changed the file
  std::uint64_t writes = 0;            // since the agent started
  std::uint64_t failures = 0;
  std::string last_error;  // empty: the last attempt went well
  std::optional<HookStatus> on_change;
  bool operator==(const OutputStatus&) const = default;
};

[[nodiscard]] constexpr const char* to_string(OutputStatus::State state) {
  constexpr std::array names{"waiting", "written", "removed", "failing"};
  return names.at(static_cast<std::size_t>(state));
}

struct TokenStatus {
  std::string name;
  TokenState state = TokenState::none;
  RefreshPhase phase = RefreshPhase::starting;
  Generation generation = 0;
  bool rejected = false;         // the provider refused it; a newer one is being fetched
  std::uint32_t rejections = 0;  // so many tokens in a row replaced a rejected one
  std::string fingerprint;       // first 8 hex digits of SHA-256 of the value
  std::string type;
  Attributes attributes;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
  std::string fetched_by;

  // refresh_at = expires_at - grace - spread_delay; earlier for a rejected token that the provider returned again
  Milliseconds grace{};
  Milliseconds spread{};
  Milliseconds spread_delay{};
  std::optional<WallTime> refresh_at;

  std::optional<Generation> previous_generation;
  std::optional<WallTime> previous_accept_until;

  std::string source;               // where it comes from, no secret
  bool host_only = false;           // scope: host, so the coordinator of the fleet does not matter
  std::uint64_t segment_bytes = 0;  // of the file that readers map; 0: there is none
  bool holds_lock = false;
  std::string lock_holder;               // owner id of another holder; empty: none, or not known
  std::uint64_t fence = 0;               // of the lock this agent holds or held last
  std::optional<WallTime> paused_until;  // the fleet does not ask the provider before
  std::string pause_reason;

  // The calls of the whole fleet to the provider in the running window, as last heard.
  std::uint64_t calls_allowed = 0;   // 0: unlimited
  std::uint64_t calls_reserved = 0;  // of these, for refreshes that are asked for
  std::uint64_t calls_used = 0;
  std::optional<WallTime> window_end;

  // Counts since the agent started.
  std::uint64_t fetches = 0;  // calls to the provider by this agent
  std::uint64_t fetch_failures = 0;
  std::uint64_t publications = 0;  // stored by this agent
  std::uint64_t publications_refused = 0;
  std::uint64_t records_refused = 0;  // from the coordinator: malformed, not sealed for this token, older than ours
  std::uint64_t lock_attempts = 0;
  std::uint64_t rejections_reported = 0;  // of a current token, by the users of this host
  std::uint64_t consecutive_failures = 0;
  std::string last_error;  // empty if the last attempt went well
  std::optional<WallTime> last_error_at;
  std::optional<WallTime> last_fetch_at;

  std::vector<OutputStatus> outputs;

  bool operator==(const TokenStatus&) const = default;
};

// The answer to a request, for its caller.
struct RefreshAnswer {
  Generation generation = 0;  // the current one; 0: none yet
  bool superseded = false;    // it is newer than the rejected one: read the token again
  bool known = true;          // false: the rejected generation is above the current one
  WallTime due;               // when the refresh is tried at the earliest, if not superseded
  std::string held_by;        // what holds it back until then; empty: nothing
};

}  // namespace jeton::agent
