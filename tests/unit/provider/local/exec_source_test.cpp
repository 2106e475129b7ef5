// The input of a command, and the use of its output.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using agent::SecretTemplate;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = SourceError::Kind;

class ExecSourceTest : public ExecTest {};

TEST_F(ExecSourceTest, CommandPrintsAToken_IsTaken) {
  const auto before = loop.clock.wall_now();
  const auto token = fetch_by(script(print_token));
  EXPECT_EQ(token.value.reveal(), "tok-12345678");
  EXPECT_GE(token.expires_at, before + 60s);
}

using ExecExit = ExecTest;

TEST_F(ExecExit, HasARuleOrACode_RuleCounts) {
  auto config = script("echo '{\"error\":\"locked\",\"hint\":\"call us\"}'; exit 3\n");
  EXPECT_EQ(failure_of(config).kind(), Kind::transient);
  EXPECT_EQ(failure_of(config).status(), 3);
  config.response.error_rules.permanent_status = {3};
  EXPECT_EQ(failure_of(config).kind(), Kind::permanent);
  config.response.error = "/error";
  config.response.error_message = "/hint";
  config.response.error_rules.transient = {"locked"};
  const auto e = failure_of(config);
  EXPECT_EQ(e.kind(), Kind::transient) << "the code is stronger";
  EXPECT_EQ(e.code(), "locked");
  EXPECT_THAT(e.what(), HasSubstr("ended with status 3 and printed /error locked: \"call us\""));
}

TEST_F(ExecSourceTest, ArgumentsHaveShellCharacters_ArePassedUnchanged) {
  auto config = script("printf '%s|' \"$@\" > \"$1/arguments\"\n" + std::string(print_token));
  config.command.insert(config.command.end(), {"$HOME `id` *", "", "a b"});
  fetch_by(config);
  EXPECT_THAT(file("arguments"), testing::EndsWith("|$HOME `id` *||a b|"));
}

TEST_F(ExecSourceTest, CommandIsRun_EnvironmentIsClean) {
  ::setenv("JETON_TEST_LEAK", "leak", 1);
  auto config = script("tr '\\0' '\\n' < /proc/$$/environ | sort > \"$1/environment\"\n" + std::string(print_token));
  dir.write("secret", "s3cret-of-env\n");
  config.env = {{"API_KEY", SecretTemplate::parse("${file:" + (dir / "secret").string() + "}")},
                {"LANG", SecretTemplate::literal("C")}};
  fetch_by(config);
  ::unsetenv("JETON_TEST_LEAK");
  const char* home = std::getenv("HOME");
  EXPECT_EQ(file("environment"), "API_KEY=s3cret-of-env\nHOME=" + std::string(home == nullptr ? "/" : home) +
                                     "\nLANG=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(ExecSourceTest, CommandIsRun_NothingElseIsInheritedFromTheAgent) {
  const agent::UniqueFd inherited(::dup2(STDERR_FILENO, 200));  // not close-on-exec
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  fetch_by(
      // By the shell itself: it blocks all signals while it starts a process that could look.
      script("while read -r line; do case $line in SigBlk*|SigIgn*) echo \"$line\";; esac; done"
             " < /proc/$$/status > \"$1/signals\"\n"
             "ls /proc/$$/fd > \"$1/descriptors\"; readlink /proc/$$/fd/0 > \"$1/stdin\"; pwd > \"$1/cwd\"\n"
             "ulimit -c > \"$1/core\"; ps -o sid= -p $$ > \"$1/session\"; echo $$ > \"$1/pid\"\n" +
             std::string(print_token)));
  ::signal(SIGPIPE, old);
  EXPECT_EQ(file("signals"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_THAT(file("descriptors"), Not(HasSubstr("200")));
  EXPECT_EQ(file("stdin"), "/dev/null\n");
  EXPECT_EQ(file("cwd"), "/\n");
  EXPECT_EQ(file("core"), "0\n");
  EXPECT_EQ(std::stoi(file("session")), std::stoi(file("pid")));
}

TEST_F(ExecSourceTest, WorkingDirectoryIsSet_CommandRunsThere) {
  auto config = script("pwd > \"$1/cwd\"\n" + std::string(print_token));
  config.working_directory = dir.path();
  fetch_by(config);
  EXPECT_EQ(file("cwd"), dir.path().string() + "\n");
  config.working_directory = dir / "missing";
  const auto e = failure_of(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("source.working_directory"), HasSubstr("No such file or directory")));
}

TEST_F(ExecSourceTest, CommandFails_ErrorIsTransient) {
  const auto e = failure_of(script("echo 'one' >&2; echo 'the vault is sealed' >&2; exit 3\n"));
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("/bin/sh ended with status 3"), HasSubstr("the vault is sealed")));
  EXPECT_THAT(failure_of(script("kill -KILL $$\n")).what(), HasSubstr("ended by signal 9"));
}

TEST_F(ExecSourceTest, ProgramIsMissing_ErrorIsPermanent) {
  EXPECT_EQ(failure_of(script("exec /nonexistent/program\n")).kind(), Kind::permanent);
  agent::ExecSourceConfig config = script("");
  config.command[0] = (dir / "missing").string();
  const auto missing = source_by(config);
  const auto e = failure(*missing);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("cannot execute"), HasSubstr("missing: No such file or directory")));
  // The pause ends as soon as the program is there.
  EXPECT_EQ(e.request(), missing->fingerprint());
  dir.write("missing", "#!/bin/sh\n");
  EXPECT_NE(e.request(), missing->fingerprint());
  EXPECT_THAT(failure(*missing).what(), HasSubstr("Permission denied"));
}

TEST_F(ExecSourceTest, ConfigurationIsCorrected_FingerprintChanges) {
  const agent::ExecSourceConfig config = script("missing-tool\n");
  const std::string first = source_by(config)->fingerprint();
  EXPECT_EQ(source_by(config)->fingerprint(), first);
  agent::ExecSourceConfig corrected = config;
  corrected.command.emplace_back("--json");
  EXPECT_NE(source_by(corrected)->fingerprint(), first);
  corrected = config;
  corrected.working_directory = dir.path();
  EXPECT_NE(source_by(corrected)->fingerprint(), first);
  corrected = config;
  corrected.response.error_rules.transient_status = {127};
  EXPECT_NE(source_by(corrected)->fingerprint(), first);
  EXPECT_NE(source_by(config, 16384)->fingerprint(), first) << "of the capacity";
}

TEST_F(ExecSourceTest, SecretIsCorrectedBeforeTheEnd_FailureIsOfTheOldOne) {
  auto config = script("echo new > \"$1/secret\"; exit 1\n");
  config.env = {{"API_KEY", SecretTemplate::parse("${file:" + dir.write("secret", "old\n").string() + "}")}};
  const auto by = source_by(config);
  const std::string first = by->fingerprint();
  EXPECT_EQ(failure(*by).request(), first);
  EXPECT_NE(by->fingerprint(), first);
}

TEST_F(ExecSourceTest, TokenExceedsTheCapacity_IsRefused) {
  const auto small = source_by(script(print_token), 8);
  const auto e = failure(*small);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("raise tokens.t.capacity"));
}

TEST_F(ExecSourceTest, CommandWritesToStderr_IsLoggedWithoutSecrets) {
  dir.write("pem", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n");
  auto config = script(
      "echo \"key $API_KEY\" >&2; echo \"$PEM\" >&2; echo 'got tok-12345678' >&2\n"
      "i=0; while [ $i -lt 50 ]; do echo line $i >&2; i=$((i+1)); done\n" +
      std::string(print_token));
  config.env = {{"API_KEY", SecretTemplate::literal("s3cret-literal")},
                {"PEM", SecretTemplate::parse("${file:" + (dir / "pem").string() + "}")}};
  testing::internal::CaptureStderr();
  fetch_by(config);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log,
              AllOf(HasSubstr("key ***"), HasSubstr("got ***"), HasSubstr("line 3"), HasSubstr("lines_left_out=")));
  for (const char* secret : {"s3cret-literal", "MIIEvQ", "tok-12345678", "line 40"}) {
    EXPECT_THAT(log, Not(HasSubstr(secret)));
  }
}

TEST_F(ExecSourceTest, CommandFailsAfterManyLines_ErrorHasTheLastOne) {
  const auto e = failure_of(script("i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo line $i >&2; done; exit 7\n"));
  EXPECT_THAT(e.what(), HasSubstr("its last output: \"line 100\""));
}

TEST_F(ExecSourceTest, CommandFailsAndPrintsASecret_ErrorDoesNotShowIt) {
  auto config = script("echo \"bad key $API_KEY\" >&2; exit 1\n");
  config.env = {{"API_KEY", SecretTemplate::literal("s3cret-literal")}};
  testing::internal::CaptureStderr();
  const auto e = failure_of(config);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(e.what(), AllOf(HasSubstr("bad key ***"), Not(HasSubstr("s3cret"))));
}

// As a script with `set -x` does.
TEST_F(ExecSourceTest, CommandPrintsTheTokenTwiceAndFails_NeitherLogNorErrorShowsIt) {
  const std::string json = R"({"access_token":"Bearer tok-12345678"})";
  for (const std::string& output : {std::string(print_token), "echo '" + json + "'\n", "echo '" + json + ",'\n",
                                    std::string("echo tok-12345678\n")}) {
    const auto config = script(output + "echo 'sent tok-12345678 now' >&2\nexit 1\n");
    testing::internal::CaptureStderr();
    const std::string what = failure_of(config).what();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("sent *** now"), Not(HasSubstr("tok-1234")))) << output;
    EXPECT_THAT(what, AllOf(HasSubstr("sent *** now"), Not(HasSubstr("tok-1234")))) << output;
  }
  testing::internal::CaptureStderr();
  static_cast<void>(failure_of(script("echo '" + json + "'\necho 'sent tok-12345678 now' >&2\n")));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("sent *** now"), Not(HasSubstr("tok-1234"))));
}

}  // namespace
}  // namespace jeton::test
