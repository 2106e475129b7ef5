// The formats of records and messages in Redis, on the channel and in files: JSON, which FleetCodec seals or signs.
// Immutable and pure functions: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/json_fwd.hpp"
#include "agent/record/record.hpp"
#include "agent/record/seal.hpp"

namespace jeton::agent {

// A Record as JSON:
//
//   {"v":1,"generation":1795000000000000,"value":"...","type":"Bearer","attributes":{},"issued_at_ms":...,
//    "expires_at_ms":...,"previous":{"value":"...","generation":...,"accept_until_ms":...,"expires_at_ms":...},"fetched_by":"host-1",
//    "state":"...","first_generation":...,"rejections":...,"state_only":true,
//    "boot":{"clock":"<boot id>-<time namespace>","expires_ms":...,"previous_accept_until_ms":...}}
//
// "boot": the ends by CLOCK_BOOTTIME of the kernel that "clock" names, for the agents that have the same one.
// Unknown members are ignored, so an older agent reads what a newer one writes as long as "v" is 1.
[[nodiscard]] SecretString encode_record(const Record& record);

// Throws Error (without any of the content) if it is not a record of version 1, lacks a member, or holds a
// value out of range.
[[nodiscard]] Record decode_record(std::string_view text);
[[nodiscard]] Record decode_record(const WipingJson& json);

// The format between the hosts of a fleet. A record is plain JSON, or sealed:
//
//   {"v":1,"generation":...,"expires_at_ms":...,"sealed":{"key":"<id>","nonce":"<base64>","box":"<base64>"}}
//
// A message is plain, or signed:
//
//   {"type":"signed","key":"<id>","mac":"<base64>","message":"<the message>"}
//
// A host that seals accepts only sealed records and signed messages: without the key, write access to the store can
// only delay a fleet.
class FleetCodec {
 public:
  // Without a seal records and messages are plain.
  explicit FleetCodec(std::shared_ptr<const Seal> seal = nullptr) : seal_(std::move(seal)) {}

  [[nodiscard]] SecretString encode(const std::string& name, const Record& record) const;
  // Throws Error that names the mistake, without any of the content.
  [[nodiscard]] Record decode(const std::string& name, std::string_view text) const;
  [[nodiscard]] Record decode(const std::string& name, const WipingJson& json) const;

  // Encodes bytes of any kind that belong to the token of this name and stay on this host; `number` distinguishes them.
  [[nodiscard]] SecretString encode_bytes(const std::string& name, std::uint64_t number, std::string_view bytes) const;
  // Throws Error, without any of the content.
  [[nodiscard]] SecretString decode_bytes(const std::string& name, std::uint64_t number, std::string_view text) const;

  [[nodiscard]] bool seals() const { return seal_ != nullptr; }
  // `message`: about the token of this name.
  [[nodiscard]] std::string sign(const std::string& name, const std::string& message) const;
  // The message inside a signed message; throws Error if it is not signed, or not by this fleet.
  [[nodiscard]] std::string verified(const std::string& name, const WipingJson& json) const;

 private:
  std::shared_ptr<const Seal> seal_;
};

}  // namespace jeton::agent
