#include "agent/config/schema/command_schema.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/config/secrets/secret_file.hpp"

namespace jeton::agent {

namespace {

// Texts that a shell would interpret and that a program gets as ordinary arguments.
void warn_of_shell_words(const Node& node, const std::vector<std::string>& argv, const ValueReader& value,
                         Reading& reading) {
  constexpr std::array<std::string_view, 15> words{"|", "||", "|&", "&&",  "&",    ">",    ">>", "2>",
                                                   "<", "<<", "&>", "2>>", "2>&1", "1>&2", ">&2"};
  if (std::find(argv.begin(), argv.end(), "-c") != argv.end()) return;  // a shell's, probably
  for (const Node& item : node.items) {
    const std::string& word = item.scalar;
    const bool is_variable =
        word.size() > 1 && word[0] == '$' && ((word[1] >= 'A' && word[1] <= 'Z') || word[1] == '(');
    const bool acts =
        is_variable || word.starts_with("~/") || std::find(words.begin(), words.end(), word) != words.end();
    if (item.kind != Node::Kind::scalar || !acts) continue;
    reading.problems.warning(item.place, value.path() + ": " + in_quotes(word) + " is passed to " + in_quotes(argv[0]) +
                                             " unchanged, because no shell is used; to use a shell, write "
                                             "[/bin/sh, -c, \"...\"]");
    return;  // the others have the same cause
  }
}

}  // namespace

std::string why_not_executable(const std::string& program) {
  if (const std::string hidden = why_hidden(program); !hidden.empty()) return program + ": " + hidden;
  try {
    const int error = bounded(program, [program] { return ::access(program.c_str(), X_OK) == 0 ? 0 : errno; });
    return error == 0 ? std::string() : std::string(errno_error(program, error).what());
  } catch (const Error& e) {
    return e.what();
  }
}

std::vector<std::string> read_command(const ValueReader& value, const std::string& remedy, Reading& reading) {
  const Node* node = value.raw();
  if (node == nullptr || node->kind == Node::Kind::invalid) return {};
  if (node->kind != Node::Kind::sequence || node->items.empty()) {
    value.error(value.path() + ": expected a list, the program and its arguments: [/usr/bin/get-token, --json]");
    return {};
  }
  std::vector<std::string> argv;
  for (const Node& item : node->items) {
    if (item.kind == Node::Kind::scalar && item.scalar.find('\0') == std::string::npos) {
      argv.push_back(item.scalar);
    } else {
      reading.problems.error(item.place, value.path() + ": each argument must be text");
    }
    if (item.kind == Node::Kind::scalar && item.scalar.find("${") != std::string::npos) {
      reading.problems.error(item.place,
                             value.path() +
                                 ": every user of the host can see arguments, so references are not allowed in them; " +
                                 remedy);
    }
  }
  if (argv.empty()) return argv;
  if (!argv[0].starts_with('/')) {
    value.error(value.path() + ": the program " + in_quotes(argv[0]) +
                " must be an absolute path; no PATH is searched");
  } else if (const std::string why = why_not_executable(argv[0]); !why.empty()) {
    const bool is_a_line = argv.size() == 1 && argv[0].find(' ') != std::string::npos;
    value.error(value.path() + ": " + why +
                (is_a_line ? "; write the program and each argument as separate items" : ""));
  }
  warn_of_shell_words(*node, argv, value, reading);
  return argv;
}

}  // namespace jeton::agent
