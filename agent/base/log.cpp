#include "agent/base/log.hpp"

#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <vector>

#include "agent/base/environment.hpp"
#include "agent/base/log_line.hpp"
#include "agent/base/log_pace.hpp"

namespace jeton::agent::log {
namespace {

constexpr std::array spdlog_levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                   spdlog::level::err};

spdlog::level::level_enum spdlog_level(Level level) { return spdlog_levels[static_cast<std::size_t>(level)]; }

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

Line formatted(const Said& said) { return line_of(said, resolved_format()); }

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

std::mutex g_repeats_mutex;
LogRepeats g_repeats;

// Two lines repeat each other if the event, its first field (the subject) and the error are equal.
std::optional<std::uint64_t> left_out_before(const EventId& event, Fields fields) {
  std::string words = event.name;
  for (const Field& field : fields) {
    if (&field == fields.begin() || field.key == "error") words += "\n" + field.value;
  }
  const BootTime now{std::chrono::steady_clock::now().time_since_epoch()};  // of the line itself
  const std::lock_guard guard(g_repeats_mutex);
  return g_repeats.allow(words, now);
}

std::shared_ptr<LogQueue> queue() {
  const std::lock_guard guard(g_queue_mutex);
  return g_queue;
}

void send(const Said& said) {
  Line line = formatted(said);
  if (const auto lines = queue()) {
    lines->push(std::move(line));
  } else {
    static_cast<void>(emit(line));
  }
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

void set_level(Level level) { logger().set_level(spdlog_level(level)); }

Level level() {
  const auto* const found = std::find(spdlog_levels.begin(), spdlog_levels.end(), logger().level());
  return found == spdlog_levels.end() ? Level::info : static_cast<Level>(found - spdlog_levels.begin());
}

Background::Background() {
  LogQueue::Options options;
  options.write = emit;
  options.lines_dropped = [](std::uint64_t count) {
    const std::array fields{Field{"lines", count}};
    return formatted(
        {&log_lines_dropped, Level::warning, "log lines were dropped: the log did not accept them in time", fields});
  };
  try {
    const auto made = std::make_shared<LogQueue>(std::move(options));
    const std::lock_guard guard(g_queue_mutex);
    g_queue = made;
  } catch (const std::system_error& e) {
    warning(log_not_apart, "cannot start the thread for the log; the agent waits while it writes each line",
            {{"error", e.what()}});
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
  if (logger().should_log(spdlog_level(level))) send({nullptr, level, message, fields});
}

// A command says every line; only the service lives long enough for repeats.
void write(const EventId& event, Level level, std::string_view message, Fields fields) {
  if (!logger().should_log(spdlog_level(level))) return;
  const bool may_repeat = level >= Level::warning && queue() != nullptr;
  const auto left_out = may_repeat ? left_out_before(event, fields) : std::optional<std::uint64_t>(0);
  if (!left_out) return;
  if (*left_out == 0) return send({&event, level, message, fields});
  std::vector<Field> with_count(fields);
  with_count.emplace_back("left_out", *left_out);
  send({&event, level, message, with_count});
}

}  // namespace jeton::agent::log
