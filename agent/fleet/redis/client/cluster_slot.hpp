// The slot of a key in a Redis Cluster, as the cluster specification computes it.
#pragma once

#include <cstdint>
#include <string_view>

namespace jeton::agent::redis {

inline constexpr std::uint16_t cluster_slots = 16384;

// CRC16-XMODEM: polynomial 0x1021, no reflection, initial value 0.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes);

// The slot of a key, below cluster_slots. It is computed from the hash tag, the text between the first { and the first
// } behind it, if that text is not empty; otherwise from the whole key.
[[nodiscard]] std::uint16_t key_slot(std::string_view key);

}  // namespace jeton::agent::redis
