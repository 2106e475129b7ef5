// ClusterMap: which node of a Redis Cluster holds which slot, as one node reports it (CLUSTER SLOTS of Redis 3 and
// later) and redirections corrected it. A value.
//
// A node's reply is not trusted: a malformed one is a TransportError, and the work and the memory that a reply can
// cause are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/fleet/redis/client/address.hpp"
#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent::redis {

inline constexpr std::uint16_t cluster_slots = 16384;

// CRC16-XMODEM: polynomial 0x1021, no reflection, initial value 0.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes);

// The slot of a key, below cluster_slots. It is computed from the hash tag, the text between the first { and the first
// } behind it, if that text is not empty; otherwise from the whole key.
[[nodiscard]] std::uint16_t key_slot(std::string_view key);

class ClusterMap {
 public:
  ClusterMap() = default;
  // `reply`: the reply to CLUSTER SLOTS. `asked`: the node that answered; a node without a host is on its host, and all
  // have TLS if this one has it. Throws TransportError, also if no node holds a slot.
  ClusterMap(const Reply& reply, const Address& asked);

  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  // The primary that holds the slot; none if no node does.
  [[nodiscard]] std::optional<Address> owner(std::uint16_t slot) const;
  void move(std::uint16_t slot, const Address& to);

  // Primaries and replicas, each once.
  [[nodiscard]] const std::vector<Address>& nodes() const { return nodes_; }
  [[nodiscard]] bool contains(const Address& node) const;
  bool operator==(const ClusterMap&) const = default;

 private:
  std::vector<Address> nodes_;
  std::vector<std::uint16_t> owners_;  // of each slot: an index into nodes_, or no_owner
};

// "MOVED 3999 127.0.0.1:6381": that node holds the slot. "ASK 3999 127.0.0.1:6381": ask that node, for this command
// only.
struct Redirection {
  enum class Kind { moved, ask };
  Kind kind = Kind::moved;
  std::uint16_t slot = 0;
  Address to;
};
// None if the error is no redirection, or a redirection without a valid address.
[[nodiscard]] std::optional<Redirection> parse_redirection(std::string_view error, const Address& asked);

}  // namespace jeton::agent::redis
