#include "agent/base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <vector>

#include "agent/base/environment.hpp"
#include "agent/base/json.hpp"

namespace jeton::agent::log {
namespace {

constexpr const char* level_names[] = {"trace", "debug", "info", "warning", "error"};
constexpr int syslog_priorities[] = {LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
constexpr spdlog::level::level_enum spdlog_levels[] = {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                                                       spdlog::level::warn, spdlog::level::err};

std::size_t index(Level level) { return static_cast<std::size_t>(level); }

std::atomic<Format> g_format{Format::automatic};

// systemd sets JOURNAL_STREAM to the device and inode of the stderr it connected (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = environment_variable("JOURNAL_STREAM");
  struct stat st {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &st) != 0) return false;
  unsigned long long device = 0;
  unsigned long long inode = 0;
  return std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 && device == st.st_dev && inode == st.st_ino;
}

Format resolved_format() {
  Format format = g_format.load(std::memory_order_relaxed);
  if (format == Format::automatic) {
    format = stderr_is_journal() ? Format::journal : Format::text;
    g_format.store(format, std::memory_order_relaxed);
  }
  return format;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("jeton", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *instance;
}

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

// Quotes what would not read back as one word, and escapes control characters: a field cannot forge a line.
std::string quoted(const std::string& value) {
  const auto plain = [](unsigned char c) { return c > ' ' && c != '"' && c != '=' && c != '\\' && c < 0x7f; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return value;
  return json_text(Json(value));
}

std::string text_line(Level level, std::string_view message, Fields fields) {
  std::string line = timestamp() + " " + level_names[index(level)] + " ";
  line.append(message);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=").append(quoted(field.value));
  }
  return line;
}

std::string json_line(Level level, std::string_view message, Fields fields) {
  OrderedJson line{{"time", timestamp()}, {"level", level_names[index(level)]}, {"message", message}};
  for (const Field& field : fields) line[std::string(field.key)] = field.value;
  return json_text(line);
}

void send_to_journal(Level level, std::string_view message, Fields fields) {
  std::string text(message);
  std::vector<std::string> entries{"PRIORITY=" + std::to_string(syslog_priorities[index(level)]),
                                   "SYSLOG_IDENTIFIER=jeton-agent"};
  for (const Field& field : fields) {
    text.append(" ").append(field.key).append("=").append(quoted(field.value));
    std::string key = "JETON_";
    for (const char c : field.key) key.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    entries.push_back(key + "=" + field.value);
  }
  entries.push_back("MESSAGE=" + text);
  std::vector<iovec> parts;
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace

void configure(Level level, Format format) {
  g_format.store(format, std::memory_order_relaxed);
  set_level(level);
}

void set_level(Level level) { logger().set_level(spdlog_levels[index(level)]); }

void write(Level level, std::string_view message, Fields fields) {
  if (!logger().should_log(spdlog_levels[index(level)])) return;
  switch (resolved_format()) {
    case Format::journal:
      send_to_journal(level, message, fields);
      return;
    case Format::json:
      logger().log(spdlog_levels[index(level)], json_line(level, message, fields));
      break;
    case Format::automatic:
    case Format::text:
      logger().log(spdlog_levels[index(level)], text_line(level, message, fields));
      break;
  }
  logger().flush();
}

}  // namespace jeton::agent::log
