// The agent's status as JSON: the contract of the local API and of `jetonctl --format json status`.
//
// Member names are stable: members may be added, none is renamed or removed within /v1. Times are `*_at_ms`, `now_ms`
// and `*_until_ms`: milliseconds since the Unix epoch, this host's clock. Durations are `*_ms`. `*_in_ms` is counted
// from `now_ms` and negative when past. A missing value is null. No secret: attributes stay out too, because only a
// token's readers may see them, and these answers are for any local user.
//
// Agent    {version, host, pid, started_at_ms, now_ms, uptime_ms, ready, log_lines_dropped, coordinator,
//          locks, listen, tokens: [Token]}
//          log_lines_dropped: lines that were lost because the log did not accept them in time
//          coordinator {backend, endpoint, reachable, last_error, clock_offset_ms}; the offset is the coordinator's
//          clock minus this host's
//          locks {reachable, last_error, held, waiting}, or null if no rule lets a user take any
//          listen {address, listening, last_error, remedy} of agent.listen, or null; remedy: what to type, or null
// Token    {name, state, phase, generation, fingerprint, type, issued_at_ms, expires_at_ms, expires_in_ms, fetched_by,
//          grace_ms, spread_ms, spread_delay_ms, refresh_at_ms, refresh_in_ms, previous, source, lock, pause, counters,
//          last_error, last_fetch_at_ms, outputs}; on its own (/v1/tokens/NAME) also now_ms
//          state "none" | "valid" | "expired"; phase "starting" | "quiet" | "acquiring" | "fetching" | "publishing" |
//          "waiting" | "backing_off" | "stopped"; refresh_at = expires_at - grace - spread_delay, earlier for a
//          rejected token that the provider returned again
//          previous {generation, accept_until_ms, accept_in_ms} or null, lock {held, fence, holder}, holder being the
//          owner id of another agent or program that has it, or null
//          rejected: the provider refused the current token, a newer one is on its way; rejections: number in a row
//          pause {until_ms, in_ms, reason} or null, last_error {message, at_ms, age_ms} or null
//          counters {fetches, fetch_failures, publications, publications_refused, lock_attempts, consecutive_failures}
//          outputs [{path, state, generation, written_at_ms, writes, failures, last_error, on_change}], state
//          "waiting" | "written" | "removed" | "failing"; generation: of the token in the file, 0: none was written;
//          on_change {action, due, runs, failures, last_run_at_ms, last_error} or null; errors are texts
// Event    {event, at_ms, ...}, one a line: "state" first, then "change", each with {name, state, generation,
//          fingerprint, type, issued_at_ms, expires_at_ms, refresh_at_ms, previous, pause, last_error}, where previous
//          is {generation, accept_until_ms}, pause {until_ms, reason} and last_error a text; "heartbeat" without
//          further members; "removed" when the token left the configuration and "forbidden" when the reader did: the
//          stream ends after these two.
// Refresh  {name, generation, superseded, due_in_ms, held_by}: the answer to POST rejected and POST refresh.
//          superseded: `generation` is newer than the refused one; otherwise the agent fetches a newer one in
//          due_in_ms; held_by delays it until then (null: nothing delays it)
// Reload   {reloaded: true, problems}, or an Error with problems: [text] of the files, each with its place
// Doctor   {findings: [{level, subject, text, remedy}]}: level "ok" | "warning" | "problem"; remedy: a command to type,
//          a change to make, or null
// Log      {level}: "trace" | "debug" | "info" | "warning" | "error"
// Error    {error: {code, message}}
#pragma once

#include <string>
#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {

// Each a whole document with a newline at its end.
[[nodiscard]] std::string agent_json(const AgentStatus& status);
[[nodiscard]] std::string token_json(const TokenStatus& status, WallTime now);
// {ready, tokens: [{name, state, reason}], warnings}: the tokens that are not valid. The reasons are words of our own:
// an error may quote the provider, and this answer also goes over the network (agent.listen). A warning, a text, is
// about monitoring, and does not change `ready`.
[[nodiscard]] std::string readiness_json(const AgentStatus& status);
[[nodiscard]] std::string refresh_answer_json(const std::string& name, const RefreshAnswer& answer, WallTime now);
[[nodiscard]] std::string reload_json(const ReloadVerdict& verdict);
[[nodiscard]] std::string log_level_json(log::Level level);
[[nodiscard]] std::string findings_json(const Findings& findings);
[[nodiscard]] std::string error_json(std::string_view code, std::string_view message);

// The state of a token as its readers see it: equal texts mean that nothing has changed for them.
[[nodiscard]] std::string token_summary(const TokenStatus& status);
// One line of the event stream; `summary` from token_summary(), or empty.
[[nodiscard]] std::string event_json(std::string_view event, WallTime at, const std::string& summary);

[[nodiscard]] bool is_ready(const AgentStatus& status);

}  // namespace jeton::agent
