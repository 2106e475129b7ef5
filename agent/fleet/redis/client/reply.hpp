// Reply: one answer of a Redis server, as a value. Strings are wiped when they die, because records hold tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"

namespace jeton::agent::redis {

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
};

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

}  // namespace jeton::agent::redis
