// The JSON of locks: what clients send and what they are answered (DESIGN.md section 8). Each text ends with a newline.
//
// A client can tell by itself when its lock has run out, even if the agent hangs: valid_until_boot_ms is on the clock
// CLOCK_BOOTTIME of this host.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

// {"ttl_ms", "wait_ms", "retry_ms", "owner", "metadata", "names", "owners"}; each may be missing.
struct LockBody {
  std::optional<Milliseconds> ttl;
  Milliseconds wait{0};
  std::optional<Milliseconds> retry;
  std::string owner;
  std::string metadata;
  std::vector<std::string> names;  // more locks, taken together with that of the path
  // By name, of every lock of a session: the client has had them at an agent that is gone, and goes on with them.
  std::map<std::string, std::string> owners;
  std::string problem;  // not empty: what is wrong with the body, and nothing else is to be used
};
[[nodiscard]] LockBody lock_body(const std::string& text);

// Of a stream: {"event": "waiting" | "acquired" | "renewed" | "not_renewed" | "lost" | "busy" | "failed" | "released" |
// "heartbeat", ...}
[[nodiscard]] std::string lock_event(const std::string& event, const LockSession& session, BootTime now);
// Of a detached lock: {"name", "owner", "fence", "ttl_ms"}.
[[nodiscard]] std::string lock_json(const std::string& name, const Lease& lease);
// {"name", "held", "owner", "ttl_ms", "fence", "by", "metadata", "host", "uid", "pid", "held_ms"}; an unknown value is
// null. The owner id lets its reader release and extend the lock: another user gets only its beginning.
[[nodiscard]] std::string lock_view_json(const std::string& name, const LockView& view, bool with_owner);
// {"error": {"code": "busy", "message"}, "name", "holder", "holder_ttl_ms", "holder_by", "holder_host", "holder_uid",
// "holder_pid", "holder_held_ms"}.
[[nodiscard]] std::string lock_busy_json(const LockSession& session, BootTime now);

}  // namespace jeton::agent
