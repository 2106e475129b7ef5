// What every message about a hostile text must be: short, of one line, and without the secret that was planted beside
// the text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace jeton::fuzz {

// No parser makes it by itself, and none takes it for anything but text.
inline constexpr std::string_view planted_secret = "pl4nted-s3cret";

// Empty, or the fault of the message.
[[nodiscard]] inline std::string message_complaint(std::string_view message, std::string_view secret = planted_secret,
                                                   std::size_t limit = 512) {
  if (message.empty()) return "a message without a word";
  if (message.size() > limit) return "a message of " + std::to_string(message.size()) + " bytes";
  if (std::any_of(message.begin(), message.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; })) {
    return "a message with a control character: " + std::string(message);
  }
  return message.find(secret) == std::string_view::npos ? "" : "a message that shows the secret";
}

}  // namespace jeton::fuzz
