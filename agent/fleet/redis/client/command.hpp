// Command: one request to Redis in its wire format. Reply: the answer of a server, as a value. Both are wiped when they
// die, because they may carry a token or a password.
#pragma once

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/base/error.hpp"
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

struct Reply {
  enum class Type { nil, integer, status, error, string, array };

  Type type = Type::nil;
  std::int64_t integer = 0;     // Type::integer
  SecretString text;            // Type::status, Type::error, Type::string
  std::vector<Reply> elements;  // Type::array

  [[nodiscard]] bool is_nil() const { return type == Type::nil; }
  [[nodiscard]] bool is_error() const { return type == Type::error; }

  // For a reply with a fixed form, of a script for example. Any other reply throws TransportError, because then the
  // server's action is unknown.
  [[nodiscard]] const Reply& at(std::size_t index) const;
  [[nodiscard]] std::int64_t as_integer() const;
  [[nodiscard]] std::string_view as_text() const;  // valid as long as the reply

  // `elements` as names and values by turns: the string behind the name; empty if there is none.
  [[nodiscard]] std::string_view value_of(std::string_view name) const;
};

// The number that the digits are; none if they are no number, or one that is too large.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view digits) {
  Number number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// There was no connection: the server has not seen the command.
class NotSentError : public TransportError {
 public:
  using TransportError::TransportError;
};

// The server refused a command. A TransportError, because to the caller the answer is unknown, neither yes nor no.
class ServerError : public TransportError {
 public:
  // `where`: "redis://127.0.0.1:6379/0". `text`: as the server sent it, "NOAUTH Authentication required.".
  // `secrets`: the secrets that were sent; each is shown as ***.
  ServerError(const std::string& where, std::string_view text, std::span<const SecretString> secrets = {});

  // The first word: NOAUTH, WRONGPASS, NOPERM, READONLY, LOADING, OOM, MASTERDOWN, NOSCRIPT, ERR, ...
  [[nodiscard]] const std::string& code() const { return code_; }
  // The name, the password or a permission is wrong: an operator must act.
  [[nodiscard]] bool is_about_access() const;
  // The server is a replica, so another one must be asked.
  [[nodiscard]] bool is_about_role() const;
  // The server's text as the message shows it, without `where` and without advice.
  [[nodiscard]] const std::string& answer() const { return answer_; }

 private:
  std::string code_;
  std::string answer_;
};

// "place: reason"; `reason` alone if it begins with the place.
[[nodiscard]] std::string with_place(const std::string& place, const std::string& reason);

}  // namespace jeton::agent::redis
