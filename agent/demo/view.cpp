#include "agent/demo/view.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "agent/base/environment.hpp"

namespace jeton::agent::demo {
namespace {

constexpr const char* plain = "";
constexpr const char* bold = "\x1b[1m";
constexpr const char* dim = "\x1b[2m";
constexpr const char* good = "\x1b[32m";
constexpr const char* warm = "\x1b[33m";
constexpr const char* bad = "\x1b[1;31m";

struct Piece {
  std::string text;
  const char* style = plain;
};

Piece label(std::string text) {
  text.resize(12, ' ');
  return {std::move(text), bold};
}

// A line of differently colored pieces that never gets wider than the terminal.
std::string line_of(const Terminal& terminal, const std::vector<Piece>& pieces) {
  std::string line;
  auto room = static_cast<std::size_t>(terminal.columns);
  for (const Piece& piece : pieces) {
    const std::string fits = piece.text.substr(0, room);
    room -= fits.size();
    const bool colored = terminal.color && *piece.style != '\0' && !fits.empty();
    line += colored ? piece.style + fits + "\x1b[0m" : fits;
  }
  return line;
}

std::string tenths(Milliseconds ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(std::max<std::int64_t>(ms.count(), 0)) / 1000);
  return text.data();
}

std::string whole_seconds(Milliseconds ms) { return std::to_string(ms.count() / 1000) + " s"; }

std::string number_of(std::uint64_t count, const char* singular) {
  return grouped(count) + " " + singular + (count == 1 ? "" : "s");
}

std::string state_text(const Snapshot& s) {
  if (!s.has_token()) return "none";
  return s.time_left() <= Milliseconds{0} ? "expired" : "valid";
}

std::string phase_text(const Snapshot& s) {
  std::string text = s.phase.empty() ? "unknown" : s.phase;
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// A log line may hold characters that move the cursor; here it stays one line.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// "2026-01-02T03:04:05.678Z info message" without its date, which takes a third of a narrow line.
std::string_view without_date(std::string_view line) {
  const std::size_t t = line.find('T');
  return t == 10 && line.size() > 24 ? line.substr(t + 1) : line;
}

using Lines = std::vector<std::vector<Piece>>;

void add_token(Lines& lines, const Snapshot& s, int columns) {
  if (!s.has_token()) {
    lines.push_back({label("token"), {"none yet; the agent is starting", dim}});
    lines.resize(lines.size() + 2);
    return;
  }
  const bool in_grace = s.time_left() <= s.grace;
  const std::string bar = life_bar(s.time_left(), s.lifetime, s.grace, std::clamp(columns - 26, 8, 50));
  const auto split = std::min(bar.find_first_of("=."), bar.size());
  std::string left = tenths(s.time_left());
  left.insert(0, left.size() < 8 ? 8 - left.size() : 0, ' ');
  lines.push_back({label("token"),
                   {"generation " + std::to_string(s.reader.generation), good},
                   {"  fingerprint "},
                   {s.reader.fingerprint, good}});
  lines.push_back({label("time left"),
                   {left + "  [", in_grace ? warm : plain},
                   {bar.substr(0, split), good},
                   {bar.substr(split), warm},
                   {"]"}});
  lines.push_back(
      {label(""), {"          === grace period, " + tenths(s.grace) + ": the token is refreshed in it", dim}});
}

void add_reader(Lines& lines, const Snapshot& s) {
  const ReaderReport& r = s.reader;
  const char* const health = s.reader_errors() == 0 ? good : bad;
  lines.push_back({label("reader"),
                   {grouped(static_cast<std::uint64_t>(s.reads_per_second)) + " reads/s", good},
                   {"   " + grouped(r.reads) + " so far, of " + number_of(r.tokens, "token")}});
  lines.push_back(
      {label(""),
       {"saw expired " + grouped(r.expired) + ", torn " + grouped(r.torn) + ", older " + grouped(r.older), health}});
  lines.push_back(
      {label(""),
       {"the API took it " + number_of(r.api_accepted, "time") + ", refused it " + number_of(r.api_refused, "time"),
        health}});
}

void add_provider(Lines& lines, const Snapshot& s) {
  lines.push_back({label("provider"),
                   {number_of(s.provider.token_requests(), "call"), good},
                   {", " + grouped(s.provider.refused) + " refused with 429"},
                   {"   (allows 1 in " + whole_seconds(s.rate_interval) + " per address)", dim}});
  lines.push_back(
      {label("without it"),
       {number_of(s.naive_calls(), "call") + " by " + std::to_string(naive_processes) + " processes, each for itself",
        warm}});
  lines.push_back({label(""), {number_of(s.reader.reads, "call") + " by one call for each use", warm}});
}

bool colors_wanted() {
  const char* const no_color = environment_variable("NO_COLOR");  // https://no-color.org: any value but an empty one
  return no_color == nullptr || *no_color == '\0';
}

// A terminal that only knows lines (TERM=dumb, an editor's shell) is treated like a pipe.
bool can_redraw() {
  const char* const term = environment_variable("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (term == nullptr || std::string(term) != "dumb");
}

void write_out(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string life_bar(Milliseconds left, Milliseconds lifetime, Milliseconds grace, int width) {
  const auto cells = [&](Milliseconds part) {
    const double share =
        static_cast<double>(part.count()) / static_cast<double>(std::max<std::int64_t>(lifetime.count(), 1));
    return std::clamp(static_cast<int>(std::lround(share * width)), 0, width);
  };
  const int remaining = cells(left);
  const int in_grace = std::min(cells(grace), remaining);
  // From the left: the time until the grace period, then the grace period, then the time that has passed.
  return std::string(static_cast<std::size_t>(remaining - in_grace), '#') +
         std::string(static_cast<std::size_t>(in_grace), '=') +
         std::string(static_cast<std::size_t>(width - remaining), '.');
}

std::vector<std::string> live_view(const Snapshot& s, const Terminal& terminal) {
  const std::string clock =
      whole_seconds(s.elapsed) + (s.run_for ? " of " + whole_seconds(*s.run_for) : "") + ", Ctrl-C ends";
  Lines lines{{{"jeton demo", bold}, {"   one token, fetched once, read by all   "}, {"(" + clock + ")", dim}}, {}};
  add_token(lines, s, terminal.columns);
  lines.push_back({label("agent"),
                   {state_text(s), state_text(s) == "valid" ? good : bad},
                   {", " + phase_text(s) + "   "},
                   {grouped(s.refreshes()) + (s.refreshes() == 1 ? " refresh" : " refreshes"), good}});
  lines.emplace_back();
  add_reader(lines, s);
  lines.emplace_back();
  add_provider(lines, s);
  lines.emplace_back();
  const std::size_t most = static_cast<std::size_t>(std::max(terminal.rows - 1, 1));
  const std::size_t room = most > lines.size() ? most - lines.size() : 0;
  const std::size_t shown = std::min({room, s.agent_log.size(), std::size_t{6}});
  for (auto line = s.agent_log.end() - static_cast<std::ptrdiff_t>(shown); line != s.agent_log.end(); ++line) {
    lines.push_back({{printable(without_date(*line)), dim}});
  }
  std::vector<std::string> texts;
  for (const auto& pieces : lines) texts.push_back(line_of(terminal, pieces));
  if (texts.size() > most) texts.resize(most);
  return texts;
}

std::string plain_line(const Snapshot& s) {
  std::string line = "t=" + std::to_string(s.elapsed.count() / 1000) + "s";
  const auto add = [&line](const char* key, const std::string& value) { line += std::string(" ") + key + "=" + value; };
  add("generation", std::to_string(s.reader.generation));
  add("fingerprint", s.has_token() ? s.reader.fingerprint : "none");
  add("left_ms", std::to_string(s.has_token() ? s.time_left().count() : 0));
  add("state", state_text(s));
  add("phase", s.phase.empty() ? "unknown" : s.phase);
  add("refreshes", std::to_string(s.refreshes()));
  add("reads_per_second", std::to_string(static_cast<std::uint64_t>(s.reads_per_second)));
  add("reads", std::to_string(s.reader.reads));
  add("errors", std::to_string(s.reader_errors()));
  add("api_accepted", std::to_string(s.reader.api_accepted));
  add("provider_calls", std::to_string(s.provider.token_requests()));
  add("provider_429", std::to_string(s.provider.refused));
  add("naive_calls", std::to_string(s.naive_calls()));
  return line;
}

std::string summary(const Snapshot& s) {
  return "jeton demo: in " + whole_seconds(s.elapsed) + " " + number_of(s.provider.token_requests(), "provider call") +
         " (" + grouped(s.provider.refused) + " refused) served " + number_of(s.reader.reads, "read") + " of " +
         number_of(s.reader.tokens, "token") + " with " + number_of(s.reader_errors(), "error") + "; " +
         std::to_string(naive_processes) + " processes on their own would have called " + grouped(s.naive_calls()) +
         " times";
}

Screen::Screen(bool color) : terminal_(can_redraw()), color_(terminal_ && color && colors_wanted()) {
  if (terminal_) write_out("\x1b[?25l");
}

Screen::~Screen() {
  if (terminal_) write_out("\x1b[?25h");
}

void Screen::show(const Snapshot& snapshot) {
  if (terminal_) return draw(snapshot);
  const std::int64_t second = snapshot.elapsed.count() / 1000;
  if (last_second_ == second) return;
  last_second_ = second;
  write_out(plain_line(snapshot) + "\n");
}

void Screen::draw(const Snapshot& snapshot) {
  Terminal terminal{80, 24, color_};
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  std::string frame;
  if (clear_) {
    frame += "\x1b[H\x1b[2J";
  } else if (drawn_ > 0) {
    frame += "\x1b[" + std::to_string(drawn_) + "A\r";
  }
  const std::vector<std::string> lines = live_view(snapshot, terminal);
  for (const std::string& line : lines) frame += line + "\x1b[K\n";
  frame += "\x1b[J";  // clears the rest of a longer view
  clear_ = false;
  drawn_ = static_cast<int>(lines.size());
  write_out(frame);
}

}  // namespace jeton::agent::demo
