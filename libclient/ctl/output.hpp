// The output of jetonctl: data on stdout, everything else on stderr.
//
// stdout is written without a buffer, so a write that fails is noticed at once and no copy of a token stays behind.
// Text that came from elsewhere (a provider's error message) passes through printable() before it reaches a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libclient/ctl/failure.hpp"

namespace jeton::ctl {

enum class Format { table, json };
enum class Colour { none, good, bad, doubtful, heading };

// Throws Failure(error); with an empty message if stdout has no reader any more (EPIPE).
void write_out(std::string_view text);
// True if the reader of stdout has gone.
[[nodiscard]] bool out_is_closed();

// "jetonctl: MESSAGE" on stderr; failures are ignored.
void say(std::string_view message);

// The colour for the state of a token or a segment.
[[nodiscard]] Colour colour_of(std::string_view state);
// Coloured if stdout is a terminal that wants it (NO_COLOR, TERM=dumb).
[[nodiscard]] std::string coloured(std::string_view text, Colour colour);
// Control characters become '?'.
[[nodiscard]] std::string printable(std::string_view text);
// `text` broken at spaces to fit the terminal (80 columns if stdout is none), behind `first`; further lines are
// indented by its length. Ends with a newline.
[[nodiscard]] std::string wrapped(const std::string& first, std::string_view text);
// Width of the terminal; without an end if stdout is none, so that no program gets half a line.
[[nodiscard]] std::size_t columns_of_terminal();
// At most `width` bytes, the last of which are "..." if some are left out. Whole characters of UTF-8.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);
// Spaces up to `width` behind or, if right, before the text.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width, bool right = false);

// A table: padded cells, coloured on a terminal, and never wider than it.
struct Cell {
  std::string text;
  std::size_t width = 0;
  bool right = false;
  Colour colour = Colour::none;
};
// The last cell ends where the terminal does. Ends with a newline, as heading() does.
[[nodiscard]] std::string row(const std::vector<Cell>& cells);
[[nodiscard]] std::string heading(const std::vector<Cell>& cells);

// A text that is wiped, so that no copy of it stays in memory.
class WipedText {
 public:
  WipedText() = default;
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText();

  void reserve(std::size_t size) { text_.reserve(size); }
  // Appends only as much as was reserved: growing would leave the old memory behind.
  void append(std::string_view text);
  // Appends the text as a JSON string, with its quotes: at most 6 bytes for each byte of the text, and 2.
  void append_json(std::string_view text);
  [[nodiscard]] std::string_view view() const { return text_; }

 private:
  std::string text_;
};

}  // namespace jeton::ctl
