// The result of a program's parser for some words, for the tests of both programs.
#pragma once

#include <gmock/gmock.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace jeton::test {

template <typename CommandLine>
struct Parsed {
  CommandLine line;
  std::string out;
  std::string err;

  // The first line of the error that came instead of a command.
  [[nodiscard]] std::string error(const std::string& program) const {
    EXPECT_FALSE(line.command);
    EXPECT_EQ(out, "");
    EXPECT_THAT(err, testing::HasSubstr("\nRun " + program + " --help for more.\n"));
    return err.substr(0, err.find('\n'));
  }
};

template <typename CommandLine>
[[nodiscard]] Parsed<CommandLine> parsed(CommandLine (*parse)(int, const char* const*, std::ostream&, std::ostream&),
                                         const char* program, const std::vector<std::string>& words) {
  std::vector<const char*> argv{program};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out;
  std::ostringstream err;
  CommandLine line = parse(static_cast<int>(argv.size()), argv.data(), out, err);
  return {std::move(line), out.str(), err.str()};
}

}  // namespace jeton::test
