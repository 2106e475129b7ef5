// Rewords a message of the answer parser for a source that has no provider: a file or the output of a command.
#pragma once

#include <string>
#include <string_view>

namespace jeton::agent {

// "the provider's answer is empty" becomes "the file is empty".
[[nodiscard]] inline std::string with_subject(std::string message, std::string_view subject) {
  for (const std::string_view replaced : {std::string_view("the provider's answer"), std::string_view("the provider"),
                                          std::string_view("; is the URL of the source right?"),
                                          std::string_view("; is it a form (response.format: form)?")}) {
    for (std::size_t at = message.find(replaced); at != std::string::npos; at = message.find(replaced)) {
      message.replace(at, replaced.size(), replaced.starts_with(';') ? "" : subject);
    }
  }
  return message;
}

}  // namespace jeton::agent
