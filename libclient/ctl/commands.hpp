// The commands of jetonctl. Each returns its exit status or throws Failure.
#pragma once

#include <signal.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/inherited_state.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {

struct Common {
  std::filesystem::path dir;  // the agent's runtime_dir
  Format format = Format::table;
  InheritedState inherited{};
};

// Prints the token from the segment; does not ask the agent.
struct GetOptions {
  std::string name;
  Milliseconds min_ttl{0};           // with less left, a token counts as not valid
  std::optional<Milliseconds> wait;  // how long for one that is
  bool header = false;               // as an HTTP header line
};
[[nodiscard]] Exit run_get(const Common& common, const GetOptions& options);

// Prints the status of the agent and its tokens, or of one token; without an agent, the state of the segments.
struct StatusOptions {
  std::string name;  // empty: all
};
[[nodiscard]] Exit run_status(const Common& common, const StatusOptions& options);

// Examines the agent, this user's view of it and, for admins, all that the agent depends on. problem_found if there is
// any problem.
struct DoctorOptions {};
[[nodiscard]] Exit run_doctor(const Common& common, const DoctorOptions& options);

// Prints the last events of a token on this host, the oldest first.
struct HistoryOptions {
  std::string name;
};
[[nodiscard]] Exit run_history(const Common& common, const HistoryOptions& options);

// Prints the names of tokens or locks, a line each, for the completion of a shell; takes a moment at most. Without an
// agent the tokens are those that have segments.
struct NamesOptions {
  bool locks = false;
};
[[nodiscard]] Exit run_names(const Common& common, const NamesOptions& options);

// Prints the level of the agent's log; with one, sets it first (admins).
struct LogLevelOptions {
  std::string level;  // empty: it stays
};
[[nodiscard]] Exit run_log_level(const Common& common, const LogLevelOptions& options);

// Prints a line per change of the segment, until interrupted or until stdout has no reader.
struct WatchOptions {
  std::string name;
};
[[nodiscard]] Exit run_watch(const Common& common, const WatchOptions& options);

// Blocks until the token is valid and its generation is above `after`; prints the generation.
struct WaitOptions {
  std::string name;
  std::uint64_t after = 0;
  std::optional<Milliseconds> timeout;  // empty: no limit
};
[[nodiscard]] Exit run_wait(const Common& common, const WaitOptions& options);

// Reports to the agent that the provider refused the token of this generation.
struct RejectedOptions {
  std::string name;
  std::uint64_t generation = 0;
  std::optional<Milliseconds> wait;  // how long for a newer one; empty: not at all
};
[[nodiscard]] Exit run_rejected(const Common& common, const RejectedOptions& options);

// Asks the agent for a new token now.
struct RefreshOptions {
  std::string name;
  std::optional<Milliseconds> wait;
};
[[nodiscard]] Exit run_refresh(const Common& common, const RefreshOptions& options);

// Runs a command that is given tokens; starts it again, or sends it a signal, when one has changed. 124 if they are not
// valid in time, else the command's status.
struct ExecOptions {
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> env;  // variables, and the token of each
  std::optional<int> fd;                                 // that of the first token; the others have the next ones
  bool on_stdin = false;                                 // a line each
  bool restart_on_change = false;
  std::optional<int> signal_on_change;
  bool restart_on_failure = false;
  std::optional<Milliseconds> timeout;  // for valid tokens; empty: no limit
  Milliseconds settle{1000};            // so long without a change, before a change is acted on
  Milliseconds splay{0};                // and up to so long more, at random
  int stop_signal = SIGTERM;
  Milliseconds grace{10'000};  // between it and SIGKILL
  std::vector<std::string> command;
};
[[nodiscard]] Exit run_exec(const Common& common, const ExecOptions& options);

// Runs a command while it holds a lock: busy_status if another owner holds it, 123 if it is lost, else the command's
// status.
struct LockRunOptions {
  std::string name;
  std::vector<std::string> also;  // more locks, all or none
  Milliseconds ttl{30'000};
  Milliseconds wait{0};
  std::optional<Milliseconds> retry;
  Milliseconds grace{10'000};  // between SIGTERM and SIGKILL when the lock is lost
  std::string metadata;
  int busy_status = static_cast<int>(Exit::not_obtained);
  bool quiet = false;  // prints nothing if another owner holds the lock: the exit status says it
  std::vector<std::string> command;
};
[[nodiscard]] Exit run_lock_run(const Common& common, const LockRunOptions& options);

// Takes a lock that outlives this process; prints {"name", "owner", "fence", "ttl_ms"}.
struct LockAcquireOptions {
  std::string name;
  Milliseconds ttl{0};
  Milliseconds wait{0};
  std::optional<Milliseconds> retry;  // between two attempts; by default only the release is waited for
  std::string owner;                  // empty: a new one
  std::string metadata;
};
[[nodiscard]] Exit run_lock_acquire(const Common& common, const LockAcquireOptions& options);

// Sets the TTL of a lock to `ttl` from now on.
struct LockExtendOptions {
  std::string name;
  std::string owner;
  Milliseconds ttl{0};
};
[[nodiscard]] Exit run_lock_extend(const Common& common, const LockExtendOptions& options);

struct LockReleaseOptions {
  std::string name;
  std::string owner;
  bool force = false;  // for any holder (admins)
};
[[nodiscard]] Exit run_lock_release(const Common& common, const LockReleaseOptions& options);

// Shows the holder.
struct LockShowOptions {
  std::string name;
};
[[nodiscard]] Exit run_lock_show(const Common& common, const LockShowOptions& options);

}  // namespace jeton::ctl
