// The command line of jeton-agent; the fuzz target fuzz_cli tries any words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/cli/command_line.hpp"
#include "tests/unit/cli/parsed.hpp"

namespace jeton::agent {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

auto read(const std::vector<std::string>& words) { return test::parsed(parse_command_line, "jeton-agent", words); }

// The first line of the error.
std::string error_of(const std::vector<std::string>& words) {
  const auto result = read(words);
  EXPECT_EQ(result.line.status, 1);
  return result.error("jeton-agent");
}

TEST(AgentCommandLine, Command_IsItsOptions) {
  const auto run = read({"run", "-c", "a.yaml", "--config=b.yaml"});
  EXPECT_THAT(std::get<RunOptions>(run.line.command.value()).files, ElementsAre("a.yaml", "b.yaml"));
  const auto fetch = std::get<FetchOptions>(read({"fetch", "-c", "a.yaml", "api", "--once"}).line.command.value());
  EXPECT_EQ(fetch.name, "api");
  EXPECT_TRUE(fetch.once);
  const auto demo = std::get<demo::DemoOptions>(read({"demo", "--for", "20s"}).line.command.value());
  EXPECT_EQ(demo.run_for, Milliseconds(20'000));
  EXPECT_EQ(demo.lifetime, Milliseconds(10'000));
  const auto reader = std::get<DemoReaderOptions>(read({"demo-reader", "/run/x", "8080"}).line.command.value());
  EXPECT_EQ(reader.port, 8080);
}

TEST(AgentCommandLine, FileInBrackets_IsOneFile) {
  const auto check = read({"check", "-c", "[a,b]"});
  EXPECT_THAT(std::get<CheckOptions>(check.line.command.value()).files, ElementsAre("[a,b]"));
  EXPECT_THAT(error_of({"check", "-c", "a.yaml", "b.yaml"}), HasSubstr("b.yaml"));
}

// A variable is not set: the default would be something else, such as a key on the terminal.
TEST(AgentCommandLine, WordIsEmpty_IsRefused) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"keygen", ""},
                                                                                     {"check", "--user", ""},
                                                                                     {"run", "--config", ""},
                                                                                     {"reload", "--dir", ""},
                                                                                     {"demo", "--for", ""}}) {
    EXPECT_THAT(error_of(words), HasSubstr("is a variable not set?")) << words.front();
  }
}

TEST(AgentCommandLine, HelpOrVersion_IsNoCommandAndNoError) {
  for (const char* word : {"--help", "--version"}) {
    const auto result = read({word});
    EXPECT_FALSE(result.line.command);
    EXPECT_EQ(result.line.status, 0);
    EXPECT_THAT(result.out, HasSubstr("jeton-agent"));
    EXPECT_EQ(result.err, "");
  }
}

TEST(AgentCommandLine, WrongWord_IsNamed) {
  EXPECT_THAT(error_of({"fetch", "api"}), AllOf(HasSubstr("--dry-run"), HasSubstr("--once")));
  EXPECT_THAT(error_of({"fetch", "api", "--dry-run", "--once"}), HasSubstr("--dry-run"));
  EXPECT_THAT(error_of({"demo", "--for", "soon"}), AllOf(HasSubstr("--for"), HasSubstr("'soon'")));
  EXPECT_THAT(error_of({"demo", "--lifetime", "2h"}), HasSubstr("--lifetime"));
  EXPECT_THAT(error_of({"demo-reader", "/run/x", "65536"}), HasSubstr("PORT"));
  EXPECT_THAT(error_of({}), HasSubstr("command"));
}

TEST(AgentCommandLine, HostileWord_IsOneShortPrintableLine) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"demo", "--for", "\x1b[31mred\nline"},
                                             {"\x1b[31mred\nline"},
                                             {"check", "\x1b[31mred\nline"},
                                             {"demo", "--for", std::string(100'000, 'x')},
                                             {"--" + std::string(100'000, 'x')},
                                             {"check", std::string(100'000, 'x')}}) {
    const auto result = read(words);
    EXPECT_LT(result.err.size(), 500U);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
  }
}

}  // namespace
}  // namespace jeton::agent
