// What the parser of answers says, of something that no provider has answered.
#pragma once

#include <string>
#include <string_view>

namespace jeton::agent {

// "the provider's answer is empty" becomes "the file is empty".
[[nodiscard]] inline std::string retold(std::string message, std::string_view subject) {
  for (const std::string_view told : {std::string_view("the provider's answer"), std::string_view("the provider"),
                                      std::string_view("; is the URL of the source right?"),
                                      std::string_view("; is it a form (response.format: form)?")}) {
    for (std::size_t at = message.find(told); at != std::string::npos; at = message.find(told)) {
      message.replace(at, told.size(), told.starts_with(';') ? "" : subject);
    }
  }
  return message;
}

}  // namespace jeton::agent
