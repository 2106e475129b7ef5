#include "libclient/ctl/output.hpp"

#include <poll.h>
#include <string.h>  // explicit_bzero is not in <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <system_error>

namespace jeton::ctl {
namespace {

constexpr std::size_t default_columns = 80;

bool colours_wanted() {
  static const bool wanted = [] {
    const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
    const char* term = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
           std::string_view(term) != "dumb";
  }();
  return wanted;
}

std::size_t columns(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return default_columns;
  return size.ws_col;
}

std::string wrapped_at(std::size_t width, const std::string& first, std::string_view text) {
  const std::string indent(first.size(), ' ');
  const std::size_t room = std::max<std::size_t>(width - std::min(width, first.size()), 20);
  std::string out;
  for (std::string lead = first; !text.empty() || out.empty(); lead = indent) {
    std::size_t end = text.size();
    if (end > room) {
      end = text.rfind(' ', room);
      if (end == std::string_view::npos || end == 0) end = std::min(text.find(' ', room), text.size());
    }
    out += lead + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

void write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // another process that has it open made it non-blocking
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&out, 1, -1);
      continue;
    }
    if (n < 0 && errno == EPIPE) throw Failure(Exit::error, "");
    if (n < 0) throw Failure(Exit::error, "cannot write to stdout: " + std::generic_category().message(errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool out_is_closed() {
  pollfd out{STDOUT_FILENO, 0, 0};
  // POLLERR of a pipe, POLLHUP of a socket or a terminal.
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

void say(std::string_view message) {
  // One line into a log or a pipe, broken at words on a terminal.
  const std::string prefix = "jetonctl: ";
  const std::string line = ::isatty(STDERR_FILENO) == 1 ? wrapped_at(columns(STDERR_FILENO), prefix, printable(message))
                                                        : prefix + printable(message) + "\n";
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

Colour colour_of(std::string_view state) {
  return state == "valid" ? Colour::good : state == "expired" ? Colour::bad : Colour::doubtful;
}

std::string coloured(std::string_view text, Colour colour) {
  static constexpr std::array<const char*, 5> codes{"", "\033[32m", "\033[31m", "\033[33m", "\033[1m"};
  if (colour == Colour::none || !colours_wanted()) return std::string(text);
  return codes[static_cast<std::size_t>(colour)] + std::string(text) + "\033[0m";
}

std::string printable(std::string_view text) {
  std::string out(text);
  // The bytes of UTF-8 sequences stay, but for U+0080 to U+009F (0xc2 0x80..0x9f), which terminals may obey as well.
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = '?';
    const auto next = static_cast<unsigned char>(i + 1 < out.size() ? out[i + 1] : '\0');
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) out[i] = out[i + 1] = '?';
  }
  return out;
}

std::string wrapped(const std::string& first, std::string_view text) {
  return wrapped_at(columns(STDOUT_FILENO), first, text);
}

std::size_t columns_of_terminal() {
  return ::isatty(STDOUT_FILENO) == 1 ? columns(STDOUT_FILENO) : std::numeric_limits<std::size_t>::max();
}

std::string shortened(std::string_view text, std::size_t width) {
  static constexpr std::string_view mark = "...";
  if (text.size() <= width) return std::string(text);
  std::size_t end = width - std::min(width, mark.size());
  const auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; };
  while (end > 0 && continues()) --end;
  return std::string(text.substr(0, end)) + std::string(mark);
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, text.size()), ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

std::string row(const std::vector<Cell>& cells) {
  std::string line;
  std::size_t room = columns_of_terminal();
  for (const Cell& cell : cells) {
    if (!line.empty()) line += "  ";
    const bool is_last = &cell == &cells.back();
    const std::string text = is_last ? shortened(cell.text, room) : padded(cell.text, cell.width, cell.right);
    line += coloured(text, cell.colour);
    room -= std::min(room, text.size() + 2);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string heading(const std::vector<Cell>& cells) {
  std::string line = row(cells);
  line.pop_back();
  return coloured(line, Colour::heading) + "\n";
}

WipedText::~WipedText() { ::explicit_bzero(text_.data(), text_.capacity()); }

void WipedText::append(std::string_view text) {
  if (text_.size() + text.size() > text_.capacity()) throw std::logic_error("WipedText: reserve more");
  text_.append(text);
}

void WipedText::append_json(std::string_view text) {
  append("\"");
  for (const char c : text) {
    std::array<char, 8> escape{};
    if (c == '"' || c == '\\') {
      append(std::string_view(std::array<char, 2>{'\\', c}.data(), 2));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      append(escape.data());
    } else {
      append(std::string_view(&c, 1));
    }
  }
  append("\"");
}

}  // namespace jeton::ctl
