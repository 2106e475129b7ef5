// A command line of jeton-agent or jetonctl, as the program itself reads it: nothing of a command runs. The words are
// apart by a NUL, or by a newline if the input has no NUL; the first is the program.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

// Empty, or what the reading did that it must not: throw, end with a status that no page documents, print an error that
// is no short line about the option or the word, or give a command a value that no word has.
[[nodiscard]] std::string try_command_line(std::string_view input);

}  // namespace jeton::fuzz
