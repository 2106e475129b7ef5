#include "agent/base/log_line.hpp"

#include <syslog.h>

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include "agent/base/json.hpp"
#include "agent/base/thread.hpp"

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

// Quotes a text that would not read back as one word, and escapes control characters, those of C1 (C2 80 to C2 9F in
// UTF-8) too: a field can neither forge a line nor move the cursor of a terminal.
std::string quoted(const std::string& value) {
  const auto plain = [](unsigned char c) { return c > ' ' && c != '"' && c != '=' && c != '\\' && c < 0x7f; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return value;
  std::string text = json_text(Json(value));
  for (std::size_t at = text.find('\xc2'); at != std::string::npos; at = text.find('\xc2', at + 1)) {
    const auto next = static_cast<unsigned char>(text[at + 1]);  // the quote behind it at the latest
    if (next < 0x80 || next > 0x9f) continue;
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", next);
    text.replace(at, 2, escape);
  }
  return text;
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

std::size_t size_of(const Line& line) {
  std::size_t size = sizeof(Line);
  for (const std::string& part : line) size += sizeof(std::string) + part.size();
  return size;
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

struct LogQueue::State {
  explicit State(Options given) : options(std::move(given)) {}

  struct Entry {
    Line line;
    std::uint64_t says_dropped = 0;  // so many, of which this is the line that says so
  };

  void push(Line line) {
    const std::lock_guard guard(mutex);
    not_said += std::exchange(refused, 0);
    const std::size_t size = size_of(line);
    if (size + waiting_bytes > options.capacity) {
      ++dropped;
      ++not_said;
      return;
    }
    say_dropped();
    waiting_bytes += size;
    lines.push_back({std::move(line), 0});
    news.notify_all();
  }

  // With the lock. Not counted against the capacity: there is one such line for each that was taken.
  void say_dropped() {
    if (not_said == 0) return;
    const std::uint64_t count = std::exchange(not_said, 0);
    lines.push_back({options.lines_dropped(count), count});
    waiting_bytes += size_of(lines.back().line);
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      news.wait(lock, [&] { return !lines.empty() || not_said > 0 || stopped; });
      if (stopped) return;
      if (lines.empty()) say_dropped();
      const Entry entry = std::move(lines.front());
      lines.pop_front();
      waiting_bytes -= size_of(entry.line);
      writing = true;
      lock.unlock();
      const bool taken = options.write(entry.line);
      lock.lock();
      writing = false;
      if (!taken) count_refused(entry);
      if (all_written()) written.notify_all();
    }
  }

  // Reported before the next line: now that report would be refused as well.
  void count_refused(const Entry& entry) {
    if (entry.says_dropped == 0) ++dropped;
    refused += std::max<std::uint64_t>(entry.says_dropped, 1);
  }

  [[nodiscard]] bool all_written() const { return lines.empty() && not_said == 0 && !writing; }

  const Options options;
  mutable std::mutex mutex;  // never held while a line is written
  std::condition_variable news;
  std::condition_variable written;
  std::deque<Entry> lines;
  std::size_t waiting_bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t not_said = 0;  // of these, since a line said how many
  std::uint64_t refused = 0;   // of these, to be said with the next line
  bool writing = false;
  bool stopped = false;
};

LogQueue::LogQueue(Options options) : state_(std::make_shared<State>(std::move(options))) {
  start_without_signals("jeton-log", [state = state_] { state->run(); }).detach();
}

LogQueue::~LogQueue() {
  const std::lock_guard guard(state_->mutex);
  state_->stopped = true;
  state_->news.notify_all();
}

void LogQueue::push(Line line) { state_->push(std::move(line)); }

bool LogQueue::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  return state_->written.wait_for(lock, patience, [&] { return state_->all_written(); });
}

std::uint64_t LogQueue::dropped() const {
  const std::lock_guard guard(state_->mutex);
  return state_->dropped;
}

}  // namespace jeton::agent::log
