// A line of the log in each of its formats. Pure but for the time of the line.
#pragma once

#include <span>
#include <string_view>

#include "agent/base/log.hpp"
#include "agent/base/log_queue.hpp"

namespace jeton::agent::log {

// What a line is made of.
struct Said {
  const EventId* event;  // null: none
  Level level;
  std::string_view message;
  std::span<const Field> fields;
};

// `format` is not automatic.
[[nodiscard]] Line line_of(const Said& said, Format format);

}  // namespace jeton::agent::log
