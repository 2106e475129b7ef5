#include "agent/api/page/html_text.hpp"

#include "agent/api/status_line.hpp"

namespace jeton::agent {

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return out;
}

std::string html_attribute(std::string_view name, std::string_view value) {
  return ' ' + std::string(name) + "=\"" + html_escaped(value) + '"';
}

std::string relative_words(WallTime at, WallTime now) {
  const Milliseconds left = at - now;
  if (left > Milliseconds(-1000) && left < Milliseconds(1000)) return "now";
  return left > Milliseconds(0) ? "in " + duration_words(left) : duration_words(left) + " ago";
}

std::string html_time(WallTime at, WallTime now) {
  const std::string utc = utc_text(at);
  return "<time" + html_attribute("datetime", utc) + html_attribute("title", utc) + " data-at=\"" +
         std::to_string(to_unix_ms(at)) + "\">" + relative_words(at, now) + "</time>";
}

}  // namespace jeton::agent
