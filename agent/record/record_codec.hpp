// A Record as JSON, as it is in Redis, on the channel and in the local coordinator's file.
//
//   {"v":1,"generation":1795000000000000,"value":"...","type":"Bearer","attributes":{},"issued_at_ms":...,
//    "expires_at_ms":...,"previous":{"value":"...","generation":...,"accept_until_ms":...,"expires_at_ms":...},"fetched_by":"host-1",
//    "state":"...","first_generation":...,
//    "boot":{"clock":"<boot id>-<time namespace>","expires_ms":...,"previous_accept_until_ms":...}}
//
// "boot": the ends by CLOCK_BOOTTIME of the kernel that "clock" names, for the agents that have the same one.
// Unknown members are ignored, so an older agent reads what a newer one writes as long as "v" is 1.
#pragma once

#include <string_view>

#include "agent/record/record.hpp"
#include "agent/record/wiping_json_fwd.hpp"

namespace jeton::agent {

[[nodiscard]] SecretString encode_record(const Record& record);

// Throws Error (without any of the content) if it is not a record of version 1, lacks a member, or holds a
// value out of range.
[[nodiscard]] Record decode_record(std::string_view text);
[[nodiscard]] Record decode_record(const WipingJson& json);

// Throws Error (without any of the content) if `text` is not JSON.
[[nodiscard]] WipingJson parse_record(std::string_view text);

}  // namespace jeton::agent
