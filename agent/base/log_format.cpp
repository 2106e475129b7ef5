#include "agent/base/log_format.hpp"

#include <syslog.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <string>

#include "agent/base/json.hpp"

namespace jeton::agent::log {
namespace {

constexpr const char* level_names[] = {"trace", "debug", "info", "warning", "error"};
constexpr int syslog_priorities[] = {LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

std::size_t index(Level level) { return static_cast<std::size_t>(level); }

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();  // the time of the line itself; nothing is decided by it
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char day[32];
  char text[48];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text, sizeof text, "%s.%03dZ", day, static_cast<int>(ms));
  return text;
}

// Quotes a text that would not read back as one word, and escapes control characters: a field cannot forge a line.
std::string quoted(const std::string& value) {
  const auto plain = [](unsigned char c) { return c > ' ' && c != '"' && c != '=' && c != '\\' && c < 0x7f; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return value;
  return json_text(Json(value));
}

std::string text_line(const Said& said) {
  std::string line = timestamp() + " " + level_names[index(said.level)] + " ";
  line.append(said.message);
  for (const Field& field : said.fields) {
    line.append(" ").append(field.key).append("=").append(quoted(field.value));
  }
  return line;
}

std::string json_line(const Said& said) {
  OrderedJson line{{"time", timestamp()}, {"level", level_names[index(said.level)]}, {"message", said.message}};
  if (said.event != nullptr) line["event"] = said.event->name;
  for (const Field& field : said.fields) line[std::string(field.key)] = field.value;
  return json_text(line);
}

Line journal_entry(const Said& said) {
  std::string text(said.message);
  Line entry{"PRIORITY=" + std::to_string(syslog_priorities[index(said.level)]), "SYSLOG_IDENTIFIER=jeton-agent"};
  if (said.event != nullptr) {
    entry.push_back(std::string("MESSAGE_ID=") + said.event->id);
    entry.push_back(std::string("JETON_EVENT=") + said.event->name);
  }
  for (const Field& field : said.fields) {
    text.append(" ").append(field.key).append("=").append(quoted(field.value));
    std::string key = "JETON_";
    for (const char c : field.key) key.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    entry.push_back(key + "=" + field.value);
  }
  entry.push_back("MESSAGE=" + text);
  return entry;
}

}  // namespace

Line line_of(const Said& said, Format format) {
  if (format == Format::journal) return journal_entry(said);
  if (format == Format::json) return {json_line(said)};
  return {text_line(said)};
}

std::string_view name_of(Level level) { return level_names[index(level)]; }

std::optional<Level> level_named(std::string_view name) {
  const auto* const found = std::find(std::begin(level_names), std::end(level_names), name);
  if (found == std::end(level_names)) return std::nullopt;
  return static_cast<Level>(found - std::begin(level_names));
}

}  // namespace jeton::agent::log
