// The messages between agents on the channel of a token, as JSON. With coordination.seal a record is sealed and the
// others are signed (fleet_codec.hpp), apart from the usage, which a script sends.
//
//   {"type":"record","record":{...}}                        a publication; built inside the publish script
//   {"type":"claim","owner":"...","ttl_ms":15000}           an agent took the updater lock
//   {"type":"release","owner":"..."}                        and released it without a publication
//   {"type":"pause","ttl_ms":60000,"reason":"...","request":"..."}   no host may call the provider meanwhile
//   {"type":"usage","calls":7,"ttl_ms":3600000}             a call was admitted; built inside the admit script
//   {"type":"rejected","generation":1795000000000000}       the provider refused this token
//   {"type":"resume"}                                       the pause is lifted
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "agent/fleet/fleet_signals.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

struct ClaimMessage {
  std::string owner;
  Milliseconds ttl{};
};
struct ReleaseMessage {
  std::string owner;
};
struct PauseMessage {
  Milliseconds ttl{};
  std::string reason;
  std::string request{};  // fingerprint of the permanently refused request; empty: none
};
struct ResumeMessage {
  ResumeReason reason = ResumeReason::request_differs;  // an agent of an earlier version does not say
};
struct UsageMessage {
  std::uint64_t calls = 0;
  Milliseconds ttl{};  // until the count starts again
};
struct RejectedMessage {
  Generation generation = 0;
};
// A type that this version does not know. It is ignored, so that newer agents may send further types.
struct UnknownMessage {};

// The record has the coordinator's times.
using ChannelMessage = std::variant<Record, ClaimMessage, ReleaseMessage, PauseMessage, ResumeMessage, UsageMessage,
                                    RejectedMessage, UnknownMessage>;

[[nodiscard]] std::string encode_message(const ClaimMessage& message);
[[nodiscard]] std::string encode_message(const ReleaseMessage& message);
[[nodiscard]] std::string encode_message(const PauseMessage& message);
[[nodiscard]] std::string encode_message(const ResumeMessage& message);
[[nodiscard]] std::string encode_message(const RejectedMessage& message);

// `name`: the token whose channel the text came on. Throws Error (without any of the content) if it is not a message.
// TTLs are limited to [0, longest_hold]. With a codec that seals, an unsigned message has an unknown type.
[[nodiscard]] ChannelMessage decode_message(std::string_view text, const std::string& name = {},
                                            const FleetCodec& codec = FleetCodec());

// Whether the message says that the key of a record was written; the rest of it is not read.
[[nodiscard]] bool is_publication(std::string_view text);

// A record from outside, by this host's clock. A record that cannot be valid is refused before code calculates with its
// times. `offset`: the coordinator's clock minus ours; `now`: ours. Throws Error as check_record().
[[nodiscard]] Record to_local_time(Record record, Milliseconds offset, WallTime now);

// The longest time for which a message or a key can keep an agent from fetching.
inline constexpr Milliseconds longest_hold{7LL * 24 * 3600 * 1000};

}  // namespace jeton::agent
