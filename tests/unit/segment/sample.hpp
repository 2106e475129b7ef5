// Records for tests of the segment, and values that tell by themselves whether they are whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/time.hpp"
#include "agent/record/record.hpp"

namespace jeton::test {

inline agent::WallTime wall_now() { return agent::SystemClock().wall_now(); }

// Its first characters are the generation, the rest follows from generation and size: a mixture of two is found.
inline std::string checked_value(agent::Generation generation, std::size_t size) {
  std::string value = std::to_string(generation) + ':';
  while (value.size() < size) {
    value += static_cast<char>('a' + (generation * 7 + value.size() * (1 + generation % 5)) % 26);
  }
  return value;
}

// The generation of a whole value; 0 if it is damaged.
inline agent::Generation checked_generation(std::string_view value) {
  agent::Generation generation = 0;
  std::size_t digits = 0;
  while (digits < value.size() && value[digits] >= '0' && value[digits] <= '9') {
    generation = generation * 10 + static_cast<agent::Generation>(value[digits++] - '0');
  }
  return checked_value(generation, value.size()) == value ? generation : 0;
}

// Valid for an hour from now.
inline agent::Record sample_record(agent::Generation generation, std::string_view value = "secret-value") {
  agent::Record record;
  record.generation = generation;
  record.value = agent::SecretString(value);
  record.type = "Bearer";
  record.attributes = {{"scope", "read write"}, {"tenant", "42"}};
  record.issued_at = wall_now();
  record.expires_at = record.issued_at + std::chrono::hours(1);
  record.fetched_by = "host-1";
  return record;
}

inline agent::PreviousToken sample_previous(agent::Generation generation, std::string_view value) {
  return agent::PreviousToken{agent::SecretString(value), generation, wall_now() + std::chrono::minutes(5)};
}

}  // namespace jeton::test
