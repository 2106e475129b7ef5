#include "agent/demo/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "agent/base/environment.hpp"

namespace jeton::agent::demo {
namespace {

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
