// FleetCodec: the format of records and messages between the hosts of a fleet. A record is JSON (record_codec.hpp), or
// sealed:
//
//   {"v":1,"generation":...,"expires_at_ms":...,"sealed":{"key":"<id>","nonce":"<base64>","box":"<base64>"}}
//
// A message is plain, or signed:
//
//   {"type":"signed","key":"<id>","mac":"<base64>","message":"<the message>"}
//
// A host that seals accepts only sealed records and signed messages: without the key, write access to the store can
// only delay a fleet. Immutable: any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/record/record.hpp"
#include "agent/record/seal.hpp"
#include "agent/record/wiping_json_fwd.hpp"

namespace jeton::agent {

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
