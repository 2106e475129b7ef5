// FleetCodec: how a record travels between the hosts of a fleet: as JSON (record_codec.hpp), or sealed:
//
//   {"v":1,"generation":...,"expires_at_ms":...,"sealed":{"key":"<id>","nonce":"<base64>","box":"<base64>"}}
//
// A host that seals opens nothing that is not sealed: else whoever can write to the store could put in a record of his
// own. Immutable: any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/token/record.hpp"
#include "agent/token/seal.hpp"

namespace jeton::agent {

class FleetCodec {
 public:
  // Without a seal: plain.
  explicit FleetCodec(std::shared_ptr<const Seal> seal = nullptr) : seal_(std::move(seal)) {}

  [[nodiscard]] SecretString encode(const std::string& name, const Record& record) const;
  // Throws Error, without any of the content: what is wrong with it.
  [[nodiscard]] Record decode(const std::string& name, std::string_view text) const;

 private:
  std::shared_ptr<const Seal> seal_;
};

}  // namespace jeton::agent
