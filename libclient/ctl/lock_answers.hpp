// The agent's answers about locks, as jetonctl prints them.
#pragma once

#include <string>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"

namespace jeton::ctl {

// Throws Failure(error) if it cannot be a path below /v1/locks.
void check_lock_name(const std::string& name);

// Of several locks the one that the event, or the body of a refusal, is about; `name` if it names none.
[[nodiscard]] std::string named_in(const Json& event, const std::string& name);

// "lock 'x' is held by host-1 uid 1000 pid 4711 (owner 3f2a...) since 2026-01-02T03:04:05Z, for 12s at most unless
// renewed; waited 5s"; `answer`: with holder, holder_ttl_ms and, if it is known, holder_by and holder_held_ms.
[[nodiscard]] std::string busy_text(const std::string& name, const Json& answer, Milliseconds waited);

// Why `lock run` was refused: the event "refused" of a stream.
[[nodiscard]] Failure run_refusal(const std::string& name, const Json& event, Milliseconds waited);

// Why any other lock command was refused. There is an `answer`, and it is not ok().
[[nodiscard]] Failure lock_refusal(const std::string& name, const ApiAnswer& answer, Milliseconds waited);

}  // namespace jeton::ctl
