// One input to the readers of what other hosts, files and local clients send: messages of the channel, records, the
// file of the local coordinator, bodies of requests. The first byte says which.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char readers_of_the_fleet = 7;  // the first byte modulo this

// Empty, or what a reader did that none may: throw anything but Error, quote the input, or accept a record or a time
// that is out of range.
[[nodiscard]] std::string try_fleet_text(std::string_view input);

}  // namespace jeton::fuzz
