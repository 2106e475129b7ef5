#include "agent/base/log.hpp"

#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <vector>

#include "agent/base/environment.hpp"
#include "agent/base/json.hpp"
#include "agent/base/log_queue.hpp"

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

thread_local bool t_stderr_refused = false;

// Waits where the descriptor does not: other processes have the same one, and may have made it non-blocking.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    const char* at = text.data();
    std::size_t left = text.size();
    t_stderr_refused = false;
    while (left > 0) {
      const ssize_t written = ::write(STDERR_FILENO, at, left);
      if (written >= 0) {
        at += written;
        left -= static_cast<std::size_t>(written);
      } else if (errno == EAGAIN) {
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        t_stderr_refused = true;
        return;
      }
    }
  }
  void flush_() override {}
};

// Never destroyed: a thread may hang in it when the process ends.
spdlog::logger& logger() {
  static spdlog::logger& instance = []() -> spdlog::logger& {
    auto* made = new spdlog::logger("jeton", std::make_shared<StderrSink>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::info);
    return *made;
  }();
  return instance;
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

// Quotes a text that would not read back as one word, and escapes control characters: a field cannot forge a line.
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

Line journal_entry(Level level, std::string_view message, Fields fields) {
  std::string text(message);
  Line entry{"PRIORITY=" + std::to_string(syslog_priorities[index(level)]), "SYSLOG_IDENTIFIER=jeton-agent"};
  for (const Field& field : fields) {
    text.append(" ").append(field.key).append("=").append(quoted(field.value));
    std::string key = "JETON_";
    for (const char c : field.key) key.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    entry.push_back(key + "=" + field.value);
  }
  entry.push_back("MESSAGE=" + text);
  return entry;
}

Line formatted(Level level, std::string_view message, Fields fields) {
  switch (resolved_format()) {
    case Format::journal:
      return journal_entry(level, message, fields);
    case Format::json:
      return {json_line(level, message, fields)};
    case Format::automatic:
    case Format::text:
      break;
  }
  return {text_line(level, message, fields)};
}

// May block. False: no output has the line.
bool emit(const Line& line) {
  if (line.size() == 1) {
    logger().log(spdlog::level::critical, line.front());  // its level was checked when it was made
    return !t_stderr_refused;
  }
  std::vector<iovec> fields;
  for (const std::string& field : line) fields.push_back({const_cast<char*>(field.data()), field.size()});
  return ::sd_journal_sendv(fields.data(), static_cast<int>(fields.size())) >= 0;
}

constexpr std::chrono::milliseconds last_lines_patience{1000};

std::mutex g_queue_mutex;
std::shared_ptr<LogQueue> g_queue;  // while there is a Background
std::atomic<std::uint64_t> g_dropped{0};
std::terminate_handler g_terminate = nullptr;

std::shared_ptr<LogQueue> queue() {
  const std::lock_guard guard(g_queue_mutex);
  return g_queue;
}

[[noreturn]] void terminate() {
  if (const auto lines = queue()) lines->flush(last_lines_patience);
  if (g_terminate != nullptr) g_terminate();
  std::abort();
}

}  // namespace

void configure(Level level, Format format) {
  g_format.store(format, std::memory_order_relaxed);
  set_level(level);
}

void set_level(Level level) { logger().set_level(spdlog_levels[index(level)]); }

Background::Background() {
  LogQueue::Options options;
  options.write = emit;
  options.lines_dropped = [](std::uint64_t count) {
    return formatted(Level::warning, "log lines were dropped: the log did not accept them in time", {{"lines", count}});
  };
  try {
    const auto made = std::make_shared<LogQueue>(std::move(options));
    const std::lock_guard guard(g_queue_mutex);
    g_queue = made;
  } catch (const std::system_error& e) {
    warning("cannot start the thread for the log; the agent waits while it writes each line", {{"error", e.what()}});
  }
  g_terminate = std::set_terminate(terminate);
}

Background::~Background() {
  std::set_terminate(g_terminate);
  const auto lines = queue();
  if (!lines) return;
  {
    const std::lock_guard guard(g_queue_mutex);
    g_queue = nullptr;
  }
  lines->flush(last_lines_patience);
  g_dropped += lines->dropped();
}

std::uint64_t dropped() {
  const auto lines = queue();
  return g_dropped + (lines ? lines->dropped() : 0);
}

void write(Level level, std::string_view message, Fields fields) {
  if (!logger().should_log(spdlog_levels[index(level)])) return;
  Line line = formatted(level, message, fields);
  if (const auto lines = queue()) {
    lines->push(std::move(line));
  } else {
    static_cast<void>(emit(line));
  }
}

}  // namespace jeton::agent::log
