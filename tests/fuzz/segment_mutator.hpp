// Damages segments: single fields and bytes, sizes, and the checksum put right or not, so that every check behind every
// other is reached. Used by the fuzzer and by the test that counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace jeton::fuzz {

using Random = std::mt19937_64;

// Valid segments of small geometry, in every state, and of a later minor version.
[[nodiscard]] std::string seed_segment(Random& random);

// `limit` is the most bytes that the result may take.
void mutate(std::string& segment, Random& random, std::size_t limit);

}  // namespace jeton::fuzz
