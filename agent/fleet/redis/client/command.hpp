// Command: one request to Redis in its wire format. Wiped when it dies, because it may carry a token or a password.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent::redis {

using WireBuffer = std::vector<char, WipingAllocator<char>>;

class Command {
 public:
  explicit Command(std::span<const std::string_view> arguments);
  Command(std::initializer_list<std::string_view> arguments)
      : Command(std::span<const std::string_view>(arguments.begin(), arguments.size())) {}

  [[nodiscard]] std::string_view wire() const { return {bytes_.data(), bytes_.size()}; }

 private:
  WireBuffer bytes_;
};

// A Lua script: its text, and the SHA-1 under which the server remembers it.
class Script {
 public:
  explicit Script(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& sha1() const { return sha1_; }

 private:
  std::string text_;
  std::string sha1_;  // 40 hex digits
};

// A script with its keys and arguments. It only refers to them.
struct ScriptCall {
  const Script& script;
  std::span<const std::string> keys;
  std::span<const std::string_view> arguments;

  // EVALSHA.
  [[nodiscard]] Command by_sha1() const;
  // EVAL, for a server that does not know the script: many times as long.
  [[nodiscard]] Command by_text() const;
};

}  // namespace jeton::agent::redis
