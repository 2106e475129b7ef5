// The command line of jetonctl; the fuzz target fuzz_cli tries any words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "libclient/ctl/command_line.hpp"
#include "tests/unit/cli/parsed.hpp"

namespace jeton::ctl {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

auto read(const std::vector<std::string>& words) { return test::parsed(parse_command_line, "jetonctl", words); }

// The first line of the error.
std::string error_of(const std::vector<std::string>& words, Exit exit = Exit::error) {
  const auto result = read(words);
  EXPECT_EQ(result.line.exit, exit);
  return result.error("jetonctl");
}

TEST(CtlCommandLine, Command_IsItsOptions) {
  const auto get = read({"get", "wechat", "--wait", "10s", "--dir", "/run/x", "--format", "json"});
  EXPECT_EQ(std::get<GetOptions>(get.line.command.value()).wait, Milliseconds(10'000));
  EXPECT_EQ(get.line.dir, "/run/x");
  EXPECT_EQ(get.line.format, Format::json);
  const auto locked = read({"lock", "run", "a", "--also", "b", "-qE0", "--", "cmd", "--dir", "--"});
  const auto run = std::get<LockRunOptions>(locked.line.command.value());
  EXPECT_THAT(run.command, ElementsAre("cmd", "--dir", "--"));
  EXPECT_THAT(run.also, ElementsAre("b"));
  EXPECT_TRUE(run.quiet);
  EXPECT_EQ(run.busy_status, 0);
}

TEST(CtlCommandLine, NumberWithAZeroBefore_IsDecimal) {
  const auto rejected = read({"rejected", "wechat", "--generation", "010"});
  EXPECT_EQ(std::get<RejectedOptions>(rejected.line.command.value()).generation, 10U);
  const auto run = read({"lock", "run", "a", "-E", "010", "--", "cmd"});
  EXPECT_EQ(std::get<LockRunOptions>(run.line.command.value()).busy_status, 10);
}

TEST(CtlCommandLine, HelpOrVersion_IsNoCommandAndNoError) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--help"}, {"--version"}, {"lock", "run", "--help"}}) {
    const auto result = read(words);
    EXPECT_FALSE(result.line.command);
    EXPECT_EQ(result.line.exit, Exit::done);
    EXPECT_NE(result.out, "");
    EXPECT_EQ(result.err, "");
  }
}

TEST(CtlCommandLine, WrongWord_IsNamed) {
  EXPECT_THAT(error_of({"get", "a", "--wait", "soon"}), AllOf(HasSubstr("--wait"), HasSubstr("'soon'")));
  EXPECT_THAT(error_of({"wait", "a", "--after", "-1"}), HasSubstr("--after"));
  EXPECT_THAT(error_of({"get", "a", "--header=often"}), HasSubstr("--header"));
  EXPECT_THAT(error_of({"lock", "run", "a", "-E", "256", "--", "cmd"}, Exit::run_failed),
              AllOf(HasSubstr("--conflict-exit-code"), HasSubstr("0 to 255")));
  EXPECT_THAT(error_of({"lock", "run", "a"}, Exit::run_failed), HasSubstr("there is no command"));
}

// It would be left out in silence.
TEST(CtlCommandLine, CommandOfAnotherThanLockRun_IsRefused) {
  EXPECT_THAT(error_of({"lock", "acquire", "run", "--ttl", "5s", "--", "./job"}), HasSubstr("./job"));
}

TEST(CtlCommandLine, HostileWord_IsOneShortPrintableLine) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"get", "a", "--wait", "\x1b[31mred\nline"},
                                             {"\x1b[31mred\nline"},
                                             {"get", "a", "\x1b[31mred\nline"},
                                             {"get", "a", "--format", std::string(100'000, 'x')},
                                             {"--" + std::string(100'000, 'x')},
                                             {"get", "a", std::string(100'000, 'x')}}) {
    const auto result = read(words);
    EXPECT_LT(result.err.size(), 500U);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
  }
}

}  // namespace
}  // namespace jeton::ctl
