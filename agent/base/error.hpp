// The exceptions of the agent. The message says what failed, where, and what to do; it never holds a secret.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace jeton::agent {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The coordinator did not answer, so the outcome is unknown: neither "busy" nor "lost".
class TransportError : public Error {
 public:
  using Error::Error;
};

// "what: No such file or directory" from the current errno; `advice` follows that.
[[nodiscard]] inline Error errno_error(const std::string& what, int error = errno, const char* advice = "") {
  return Error(what + ": " + std::generic_category().message(error) + advice);
}

}  // namespace jeton::agent
