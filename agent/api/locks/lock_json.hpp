// The JSON of locks: requests of clients and the answers to them (agent/README.md, The way of a lock). Each text ends
// with a newline.
//
// A client knows by itself when its lock has run out, even if the agent hangs: valid_until_boot_ms is on the clock
// CLOCK_BOOTTIME of this host.
#pragma once

#include <string>
#include <vector>

#include "agent/api/locks/lock_reply.hpp"
#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

// The TTL in a request whose body gives none.
constexpr Duration no_ttl{-1};

// The body of a request about the lock `name`: {"ttl_ms", "wait_ms", "retry_ms", "owner", "metadata", "names",
// "owners"}; each may be missing. "names": more locks, taken together with `name`; "owners": the owner id of every
// lock, by name, if the client has held them at an agent that is gone. The caller adds the client and the rules of the
// locks. Throws Error; its message names the mistake in the body.
[[nodiscard]] LockRequest lock_request(const std::string& name, const std::string& body);

// Of a stream: {"event": "waiting" | "acquired" | "renewed" | "not_renewed" | "lost" | "busy" | "failed" | "released" |
// "heartbeat", ...}
[[nodiscard]] std::string lock_event(LockEvent event, const LockSession& session, BootTime now);
// {"locks": [name]}.
[[nodiscard]] std::string lock_list_json(const std::vector<std::string>& names);
// Of a detached lock: {"name", "owner", "fence", "ttl_ms"}.
[[nodiscard]] std::string lock_json(const std::string& name, const Lease& lease);
// {"name", "held", "owner", "ttl_ms", "fence", "by", "metadata", "host", "uid", "pid", "held_ms"}; an unknown value is
// null. The owner id lets its reader release and extend the lock: another user gets only its beginning.
[[nodiscard]] std::string lock_view_json(const std::string& name, const LockView& view, bool with_owner);
// "name": of several the one that another owner holds.
// {"error": {"code": "busy", "message"}, "name", "holder", "holder_ttl_ms", "holder_by", "holder_host", "holder_uid",
// "holder_pid", "holder_held_ms"}.
[[nodiscard]] std::string lock_busy_json(const LockSession& session, BootTime now);

}  // namespace jeton::agent
