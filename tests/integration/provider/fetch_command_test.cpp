// `jeton-agent fetch`: what an operator sees while setting up a source, and what it leaves alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/secret.hpp"
#include "agent/process/write_protection.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* app_secret = "k3y&of the/app";

class FetchCommand : public testing::Test {
 protected:
  std::string source(const std::string& name, const std::string& more) {
    return "  " + name + ":\n    source:\n      type: http\n      url: " + provider_.url() + "\n" + more;
  }
  RunResult fetch(const std::string& tokens, std::vector<std::string> arguments) {
    const auto config = dir_.write(
        "agent.yaml", "version: 1\nagent: {runtime_dir: " + (dir_ / "run").string() + "}\ntokens:\n" + tokens);
    std::vector<std::string> argv{JETON_AGENT_BINARY, "fetch", "--user", "root", "--config", config.string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    RunResult result =
        run(std::move(argv), {{{"APP_SECRET", app_secret}, {"STATE_DIRECTORY", state_}}, {}, {}, {}, {}, false});
    EXPECT_THAT(result.out + result.err, Not(HasSubstr("k3y"))) << "a secret was shown";
    for (const IssuedToken& token : provider_.issued())
      EXPECT_THAT(result.out + result.err, Not(HasSubstr(token.value)));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "run")) << "a trial needs nothing of the agent's, and leaves nothing";
    return result;
  }

  FaultProvider provider_;
  TempDir dir_;
  const std::string state_ = (dir_ / "state").string();  // as the unit has it
};

constexpr const char* with_secrets = R"(      query: {secret: "${env:APP_SECRET}", kind: app}
      headers: {Authorization: "Basic ${env:APP_SECRET}"}
      form: {client_secret: "${env:APP_SECRET}", scope: read}
)";

TEST_F(FetchCommand, DryRun_ShowsTheRequestAndSendsNothing) {
  const RunResult result = fetch(source("api", with_secrets), {"api", "--dry-run"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("> POST " + provider_.url() + "?kind=app&secret=***\n"),
                                HasSubstr("> Authorization: Basic ***\n"), HasSubstr("> User-Agent: jeton/"),
                                HasSubstr("> client_secret=***&scope=read\n")));
  EXPECT_EQ(provider_.counts().connections, 0U);
}

TEST_F(FetchCommand, CommandWritesTheStateOfTheAgent_IsRefusedAsInTheService) {
  if (agent::landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock, or a sandbox refuses it";
  const std::string token = dir_.write("state/token", "as before").string();
  const std::string script =
      dir_.write("script", "echo changed > " + token + "\necho '{\"access_token\":\"t\",\"expires_in\":60}'\n");
  const RunResult result =
      fetch("  own:\n    source: {type: exec, command: [/bin/sh, " + script + "]}\n", {"own", "--once"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(read_file(token), "as before");
}

TEST_F(FetchCommand, BodyOfTextLooksLikeAForm_ShowsNoPartOfASecret) {
  const RunResult result = fetch(source("api", R"(      headers: {Content-Type: text/plain}
      body: "a=1&key=${env:APP_SECRET}"
)"),
                                 {"api", "--dry-run"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr("the/app")));
}

TEST_F(FetchCommand, RequestHasValues_DryRunShowsThemWithoutSecrets) {
  const RunResult result = fetch(source("api", R"(      values:
        text: "${env:APP_SECRET} GET"
        hash: {function: sha256, of: abc}
        sign: {function: hmac_sha256, of: "${value:text}", key: "${env:APP_SECRET}"}
      query: {hash: "${value:hash}", sign: "${value:sign}"}
)"),
                                 {"api", "--dry-run"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("  value text: *** GET\n"), HasSubstr("  value sign: ***\n"),
                                HasSubstr("  value hash: ba7816bf8f01cfea"), HasSubstr("&sign=***\n")));
}

TEST_F(FetchCommand, Once_ShowsTheAnswerAndWhatWasRead) {
  const RunResult result = fetch(source("api", with_secrets), {"api", "--once"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(provider_.counts().requests, 1U);
  const agent::SecretString token(provider_.issued().at(0).value);
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("< 200\n"), HasSubstr("\"expires_in\":60"), HasSubstr("fingerprint " + token.fingerprint()),
            HasSubstr(std::to_string(token.size()) + " bytes of 8192"), HasSubstr("a lifetime of 1m")));
  EXPECT_THAT(result.err, HasSubstr("counts against the provider's limits"));
}

TEST_F(FetchCommand, SourceNamesAnotherToken_ThatOneIsFetchedFirst) {
  const std::string tokens =
      source("first", "") + source("second", "      headers: {X-Id: \"Bearer ${token:first}\"}\n");
  const RunResult dry = fetch(tokens, {"second", "--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("> X-Id: Bearer ***"));
  EXPECT_EQ(provider_.counts().connections, 0U);
  const RunResult once = fetch(tokens, {"second", "--once"});
  EXPECT_EQ(once.status, 0) << once.err;
  ASSERT_EQ(provider_.seen().size(), 2U);
  EXPECT_EQ(provider_.seen().at(1).headers.at("x-id"), "Bearer " + provider_.issued().at(0).value);
}

TEST_F(FetchCommand, NoTokenIsFetched_ExitStatusIsThreeWithTheReason) {
  provider_.behave(Behaviour::text(R"({"error":40013,"hint":"tok0123456789abcdef"})"));
  const RunResult result =
      fetch(source("api", "      response: {error: /error, error_rules: {permanent: [40013]}}\n"), {"api", "--once"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"error\":40013"), Not(HasSubstr("tok0123456789abcdef"))));
  EXPECT_THAT(result.err, AllOf(HasSubstr("tokens.api: "), HasSubstr("treat this failure as permanent")));
  provider_.stop_listening();
  EXPECT_EQ(fetch(source("api", ""), {"api", "--once"}).status, 3);
}

TEST_F(FetchCommand, ProviderRefuses_CodeAndStatusForARuleAreShown) {
  provider_.behave(Behaviour::text(R"({"code":"APP_LOCKED","msg":"locked"})", 403));
  const RunResult result =
      fetch(source("api", "      response: {error: /code, error_message: /msg}\n"), {"api", "--once"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.out, HasSubstr("\"code\":\"APP_LOCKED\""));
  EXPECT_THAT(result.err, AllOf(HasSubstr("Its code for response.error_rules is \"APP_LOCKED\""),
                                HasSubstr("Its status for response.error_rules is 403")));
  provider_.behave(Behaviour::text(R"({"code":"40013","msg":"locked"})"));
  const RunResult unnamed = fetch(source("api", ""), {"api", "--once"});
  EXPECT_THAT(unnamed.out, HasSubstr("\"code\":\"40013\""));
  EXPECT_THAT(unnamed.err, HasSubstr("name it by response.error"));
}

TEST_F(FetchCommand, BodyIsOfNoKnownShape_TokenIsNotShown) {
  for (const char* body :
       {"\"tokSECRET\"", "cb({\"access_token\":\"tokSECRET\"})", "{\"access_token\":\"tokSECRET\"} x"}) {
    provider_.behave(Behaviour::text(body));
    const RunResult result = fetch(source("api", ""), {"api", "--once"});
    EXPECT_EQ(result.status, 3);
    EXPECT_THAT(result.out + result.err, Not(HasSubstr("SECRET"))) << body;
  }
}

TEST_F(FetchCommand, UsageIsWrong_ExitStatusIsOneWithAHint) {
  const std::string tokens = source("api", "");
  EXPECT_EQ(fetch(tokens, {"api"}).status, 1);
  EXPECT_EQ(fetch(tokens, {"api", "--once", "--dry-run"}).status, 1);
  const RunResult unknown = fetch(tokens, {"apj", "--once"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'api'?"));
  EXPECT_EQ(provider_.counts().connections, 0U);
}

TEST_F(FetchCommand, GrantIsRefreshToken_NoRequestIsSent) {
  const std::string seal_key = (dir_ / "seal.key").string();
  ASSERT_EQ(run({JETON_AGENT_BINARY, "keygen", seal_key}).status, 0);
  const RunResult result = fetch("  api:\n    source:\n      type: oauth2\n      token_url: " + provider_.url() +
                                     "\n      grant: refresh_token\n      client_id: me\n      refresh_token: "
                                     "\"${env:APP_SECRET}\"\ncoordination: {seal: {key_files: [" +
                                     seal_key + "]}}\n",
                                 {"api", "--once"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("could spend the refresh token"));
  EXPECT_EQ(provider_.counts().connections, 0U);
}

// A part of a key would be refused later, and the next attempt finds a file.
TEST(Keygen, FileCannotBeWritten_NoneIsLeft) {
  const TempDir dir;
  const std::string file = (dir / "seal.key").string();
  const std::string full = "trap '' XFSZ; ulimit -f 0; exec \"$0\" keygen \"$1\"";
  const RunResult refused = run({"/bin/sh", "-c", full, JETON_AGENT_BINARY, file});
  EXPECT_EQ(refused.status, 1) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(run({JETON_AGENT_BINARY, "keygen", file}).status, 0);
  const RunResult again = run({JETON_AGENT_BINARY, "keygen", file});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("it may be the only copy of a key"));
}

}  // namespace
}  // namespace jeton::test
