// The agent's log: a message and named fields, one line an event, on stderr or in the journal.
//
//   log::warning(log::fetch_failed, "fetch failed", {{"token", name}, {"error", e.what()}, {"retry_in", "4s"}});
//
// Formats: text `2026-01-02T03:04:05.678Z warning fetch failed token=wechat error="..."`, json one object a line,
// journal native fields (MESSAGE_ID, JETON_EVENT, JETON_TOKEN, JETON_GENERATION, JETON_FENCE, JETON_OWNER, ...), auto:
// journal under systemd, text otherwise. Any thread. Never pass a secret.
//
// A warning and an error have an event.
//
// A command writes each line before it goes on. The service must not wait for the reader of its log: Background. There
// an event of level warning or above that comes again and again with the same words is left out and counted
// (log_pace.hpp); the field `left_out` of the next line has the number.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "agent/base/log_events.hpp"

namespace jeton::agent::log {

enum class Level { trace, debug, info, warning, error };
enum class Format { automatic, text, json, journal };

struct Field {
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
  Field(std::string_view k, Integer v) : key(k), value(std::to_string(v)) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Before the first line; later calls change it. The default is info, automatic.
void configure(Level level, Format format);
void set_level(Level level);
[[nodiscard]] Level level();
[[nodiscard]] std::string_view name_of(Level level);
[[nodiscard]] std::optional<Level> level_named(std::string_view name);

// While it lives, lines are written by a thread of their own (log_line.hpp). At its end, and when the process is
// terminated by an exception, the last ones are waited for, a second at most. One at a time.
class Background {
 public:
  Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();
};
// Lines that were lost because the log did not take them, or not in time; since the process started.
[[nodiscard]] std::uint64_t dropped();

void write(Level level, std::string_view message, Fields fields);
void write(const EventId& event, Level level, std::string_view message, Fields fields);
inline void info(const EventId& event, std::string_view message, Fields fields = {}) {
  write(event, Level::info, message, fields);
}
inline void warning(const EventId& event, std::string_view message, Fields fields = {}) {
  write(event, Level::warning, message, fields);
}
inline void error(const EventId& event, std::string_view message, Fields fields = {}) {
  write(event, Level::error, message, fields);
}
inline void trace(std::string_view message, Fields fields = {}) { write(Level::trace, message, fields); }
inline void debug(std::string_view message, Fields fields = {}) { write(Level::debug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }

}  // namespace jeton::agent::log
