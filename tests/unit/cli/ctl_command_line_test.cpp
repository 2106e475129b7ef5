// The command line of jetonctl; the fuzz target fuzz_cli tries any words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "libclient/ctl/command_line.hpp"
#include "libclient/ctl/signals.hpp"
#include "tests/unit/cli/parsed.hpp"

namespace jeton::ctl {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

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

TEST(CtlCommandLine, JsonIsGiven_IsTheFormat) {
  const auto doctor = read({"doctor", "--json"});
  EXPECT_TRUE(std::holds_alternative<DoctorOptions>(doctor.line.command.value()));
  EXPECT_EQ(doctor.line.format, Format::json);
  EXPECT_EQ(read({"--json", "status"}).line.format, Format::json);
  EXPECT_EQ(read({"doctor"}).line.format, Format::table);
  EXPECT_TRUE(std::get<NamesOptions>(read({"names", "locks"}).line.command.value()).locks);
  EXPECT_THAT(error_of({"names", "hosts"}), HasSubstr("tokens or locks"));
  EXPECT_EQ(std::get<HistoryOptions>(read({"history", "wechat"}).line.command.value()).name, "wechat");
}

TEST(CtlCommandLine, NumberWithAZeroBefore_IsDecimal) {
  const auto rejected = read({"rejected", "wechat", "--generation", "010"});
  EXPECT_EQ(std::get<RejectedOptions>(rejected.line.command.value()).generation, 10U);
  const auto run = read({"lock", "run", "a", "-E", "010", "--", "cmd"});
  EXPECT_EQ(std::get<LockRunOptions>(run.line.command.value()).busy_status, 10);
}

ExecOptions exec_of(std::vector<std::string> words) {
  words.insert(words.begin(), "exec");
  words.insert(words.end(), {"--", "cmd", "--dir"});
  return std::get<ExecOptions>(read(words).line.command.value());
}

TEST(CtlCommandLine, Exec_IsItsOptions) {
  const ExecOptions plain = exec_of({"github-app.1,b"});
  EXPECT_THAT(plain.names, ElementsAre("github-app.1", "b"));
  EXPECT_THAT(plain.env, ElementsAre(Pair("JETON_TOKEN_GITHUB_APP_1", "github-app.1"), Pair("JETON_TOKEN_B", "b")));
  EXPECT_THAT(plain.command, ElementsAre("cmd", "--dir"));
  EXPECT_FALSE(plain.timeout || plain.fd || plain.signal_on_change);
  EXPECT_EQ(plain.stop_signal, SIGTERM);
  const ExecOptions more = exec_of({"a,b", "--env", "T=b", "--signal-on-change", "SIGUSR1", "--stop-signal", "2",
                                    "--timeout", "0s", "--splay=1m", "--settle", "3s", "--grace", "4s"});
  EXPECT_THAT(more.env, ElementsAre(Pair("T", "b"), Pair("JETON_TOKEN_A", "a")));
  EXPECT_EQ(more.signal_on_change, SIGUSR1);
  EXPECT_EQ(more.stop_signal, SIGINT);
  EXPECT_EQ(more.timeout, Milliseconds(0));
  EXPECT_EQ(more.splay, Milliseconds(60'000));
  const ExecOptions in_memory = exec_of({"a,b", "--fd", "1022", "--restart-on-change", "--restart-on-failure"});
  EXPECT_EQ(in_memory.fd, 1022);
  EXPECT_THAT(in_memory.env, IsEmpty()) << "the environment is another way";
  EXPECT_TRUE(in_memory.restart_on_change && in_memory.restart_on_failure);
  EXPECT_THAT(exec_of({"a,b", "--stdin", "--env", "T=a"}).env, ElementsAre(Pair("T", "a")));
}

TEST(CtlCommandLine, WrongWordOfExec_IsNamed) {
  const auto error = [](std::vector<std::string> words) {
    words.insert(words.begin(), "exec");
    words.insert(words.end(), {"--", "cmd"});
    return error_of(words, Exit::run_failed);
  };
  EXPECT_THAT(error({}), HasSubstr("NAME"));
  for (const char* names : {"", "a,", ",a", "a b", "a,,b", "../a"}) EXPECT_THAT(error({names}), HasSubstr("NAME"));
  EXPECT_THAT(error({"a,b,a"}), HasSubstr("'a'"));
  EXPECT_THAT(error({"a-b,a.b"}), HasSubstr("'a.b'"));
  EXPECT_THAT(error({"a", "--env", "a"}), AllOf(HasSubstr("'a'"), HasSubstr("VAR=NAME")));
  EXPECT_THAT(error({"a", "--env", "1T=a"}), HasSubstr("'1T=a'"));
  EXPECT_THAT(error({"a", "--env", "T=b"}), HasSubstr("'T=b'"));
  EXPECT_THAT(error({"a,b", "--env", "T=a", "--env", "T=b"}), HasSubstr("'T'"));
  EXPECT_THAT(error({"a,b", "--env", "JETON_TOKEN_B=a"}), HasSubstr("'JETON_TOKEN_B'"));
  EXPECT_THAT(error({"a", "--env", "JETON_GENERATION_A=a"}), HasSubstr("'JETON_GENERATION_A'"));
  EXPECT_THAT(error({"a", "--fd", "2"}), AllOf(HasSubstr("--fd"), HasSubstr("3 to 1023")));
  EXPECT_THAT(error({"a,b", "--fd", "1023"}), HasSubstr("--fd"));
  EXPECT_THAT(error({"a", "--fd", "3", "--stdin"}), AllOf(HasSubstr("--fd"), HasSubstr("--stdin")));
  EXPECT_THAT(error({"a", "--signal-on-change", "HUB"}), AllOf(HasSubstr("--signal-on-change"), HasSubstr("'HUB'")));
  EXPECT_THAT(error({"a", "--restart-on-change", "--signal-on-change", "HUP"}), HasSubstr("--restart-on-change"));
  EXPECT_THAT(error({"a", "--timeout", "5"}), HasSubstr("--timeout"));
  EXPECT_THAT(error_of({"exec", "a"}, Exit::run_failed), HasSubstr("write it after --"));
}

TEST(Signals, Name_IsReadAndShown) {
  EXPECT_EQ(parse_signal("TERM"), SIGTERM);
  EXPECT_EQ(parse_signal("SIGHUP"), SIGHUP);
  EXPECT_EQ(parse_signal("64"), 64);
  for (const char* text : {"", "0", "65", "SIG", "term", "015"}) EXPECT_FALSE(parse_signal(text)) << text;
  EXPECT_EQ(signal_name(SIGUSR1), "SIGUSR1");
  EXPECT_EQ(signal_name(63), "signal 63");
}

TEST(CtlCommandLine, HelpOrVersion_IsNoCommandAndNoError) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"lock", "run", "--help"}, {"exec", "--help"}}) {
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
  EXPECT_THAT(error_of({"lock", "acquire", "a", "--ttl", "5s", "--owner", ""}), HasSubstr("'' is not an owner id"));
  EXPECT_THAT(error_of({"lock", "release", "a", "--owner", "", "--force"}), HasSubstr("'' is not an owner id"));
  EXPECT_THAT(error_of({"log-level", ""}), HasSubstr("'' is not a level"));
  EXPECT_THAT(error_of({"log-level", "loud"}), HasSubstr("'loud' is not a level; write trace"));
}

// A variable is not set: all tokens, or the usual directory, would be something else than what was meant.
TEST(CtlCommandLine, NameOrDirectoryIsEmpty_IsRefused) {
  EXPECT_THAT(error_of({"status", ""}), HasSubstr("'' is not a token name"));
  EXPECT_THAT(error_of({"--dir", "", "status"}), HasSubstr("'' is not a directory"));
  EXPECT_FALSE(read({"status"}).line.command == std::nullopt);
}

TEST(CtlCommandLine, DashesAreForgotten_ErrorSaysWhereToWriteThem) {
  EXPECT_THAT(error_of({"lock", "run", "a", "./job", "--now"}, Exit::run_failed),
              HasSubstr("'./job' was not expected; write -- before the command"));
  EXPECT_THAT(error_of({"exec", "a", "./job"}, Exit::run_failed), HasSubstr("write -- before the command"));
  EXPECT_THAT(error_of({"exec", "a", "b", "--", "./job"}, Exit::run_failed), Not(HasSubstr("write --")));
  EXPECT_THAT(error_of({"get", "a", "b"}), Not(HasSubstr("write --")));
}

TEST(CtlCommandLine, CommandIsMissingOrUnknown_CommandsAreNamed) {
  const std::string of_lock = "run, acquire, extend, release and show";
  EXPECT_THAT(error_of({}), HasSubstr("there is no command; the commands are get"));
  EXPECT_THAT(error_of({"gte"}), HasSubstr("no command 'gte'; the commands are get"));
  EXPECT_THAT(error_of({"lock"}), HasSubstr("there is no command; the commands of lock are " + of_lock));
  EXPECT_THAT(error_of({"lock", "realese", "a"}), HasSubstr("no command 'lock realese'; the commands are " + of_lock));
  EXPECT_THAT(error_of({"--quick"}), HasSubstr("no option '--quick'"));
}

// It would be left out in silence.
TEST(CtlCommandLine, CommandOfAnotherThanLockRunAndExec_IsRefused) {
  EXPECT_THAT(error_of({"get", "exec", "--", "./job"}), HasSubstr("./job"));
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
