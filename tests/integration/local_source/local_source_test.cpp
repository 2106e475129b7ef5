// A real agent whose token comes from a command, a file or its own key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/jwt/base64url.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class LocalSourceAgent : public testing::Test {
 protected:
  // `source` in lines indented by 6; `refresh` a YAML flow mapping.
  void start(const std::string& source, const std::string& refresh = "{min_interval: 0ms}") {
    agent.write_config("version: 1\nagent:\n  runtime_dir: " + agent.runtime_dir().string() +
                       "\n  log: {level: trace, format: text}\ntokens:\n  api:\n    refresh: " + refresh +
                       "\n    source:\n" + source);
    agent.start();
  }
  [[nodiscard]] std::string value() const {
    const auto got = run({JETONCTL, "--dir", agent.runtime_dir().string(), "get", "api"});
    return got.status == 0 ? got.out.substr(0, got.out.find('\n')) : "";
  }
  [[nodiscard]] std::string script(const std::string& text) const {
    return "      type: exec\n      timeout: 30s\n      command: [/bin/sh, " + dir.write("script", text).string() +
           ", " + dir.path().string() + "]\n";
  }
  void move_into_place(const std::string& name, const std::string& content) const {
    dir.write("new", content);
    fs::rename(dir / "new", dir / name);
  }
  [[nodiscard]] std::vector<pid_t> pids() const { return noted_pids(dir / "pids"); }

  TempDir dir;
  AgentProcess agent{AgentSettings{}};
};

constexpr const char* hanging =
    "trap '' TERM HUP; setsid sh -c 'trap \"\" TERM HUP; echo $$ >> \"$0/pids\"; sleep 1000; sleep 1000' \"$1\" &\n"
    "echo $$ >> \"$1/pids\"; while :; do sleep 1000; done\n";

TEST_F(LocalSourceAgent, SourceIsACommand_TokenIsValidAndNoSecretIsLogged) {
  dir.write("secret", "s3cret-in-env\n");
  start(script("echo \"debug: $API_KEY\" >&2\n"
               "printf '{\"access_token\":\"%s\",\"expires_in\":60}' \"token-of-$API_KEY\"\n") +
        "      env: {API_KEY: \"${file:" + (dir / "secret").string() + "}\"}\n");
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(agent.logs("debug: ***"));
  EXPECT_THAT(agent.log(), Not(HasSubstr("s3cret-in-env")));
}

TEST_F(LocalSourceAgent, AgentStops_CommandAndItsChildrenAreGone) {
  start(script(hanging));
  ASSERT_TRUE(eventually([&] { return pids().size() == 2; }));
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(eventually([&] { return all_gone(pids()); }));
}

TEST_F(LocalSourceAgent, AgentIsKilled_CommandAndItsChildrenAreGone) {
  start(script(hanging));
  ASSERT_TRUE(eventually([&] { return pids().size() == 2; }));
  agent.kill();
  EXPECT_TRUE(eventually([&] { return all_gone(pids()); }));
}

TEST_F(LocalSourceAgent, FileAppears_IsPublishedAtOnce) {
  start("      type: file\n      path: " + (dir / "later" / "token").string() + "\n      lifetime: 1h\n",
        "{min_interval: 0ms, retry: {initial: 1h, max: 1h}}");
  ASSERT_TRUE(agent.logs("No such file or directory"));
  dir.write("later/token", "first");
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << "the pause of an hour ends: " << agent.log();
  const auto first = agent.generation();
  move_into_place("later/token", "first");
  move_into_place("later/token", "second");
  ASSERT_TRUE(eventually([&] { return value() == "second"; })) << agent.log();
  EXPECT_GT(agent.generation(), first);
  EXPECT_THAT(agent.log(), Not(HasSubstr("second\"")));
}

TEST_F(LocalSourceAgent, SameContentAfterARestart_IsNotPublishedAgain) {
  dir.write("token", "same");
  start("      type: file\n      path: " + (dir / "token").string() + "\n      lifetime: 1h\n");
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  const auto generation = agent.generation();
  EXPECT_EQ(agent.stop(), 0);
  agent.start();
  move_into_place("token", "same");
  move_into_place("token", "other");
  ASSERT_TRUE(eventually([&] { return value() == "other"; })) << agent.log();
  // "same" was published by nobody again in between: one refresh led from it to "other".
  EXPECT_EQ(agent.token()["counters"]["publications"], 1) << agent.token();
  EXPECT_GT(agent.generation(), generation);
}

TEST_F(LocalSourceAgent, KeyIsReplaced_NewTokenIsSignedWithIt) {
  const auto make_key = [&](const char* name) {
    ASSERT_EQ(run({"openssl", "genpkey", "-algorithm", "ED25519", "-out", (dir / name).string()}).status, 0);
  };
  make_key("key");
  start("      type: jwt\n      algorithm: EdDSA\n      lifetime: 1h\n      claims: {iss: me}\n      key: \"${file:" +
        (dir / "key").string() + "}\"\n");
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  const std::string before = value();
  make_key("new");
  fs::rename(dir / "new", dir / "key");
  ASSERT_TRUE(eventually([&] { return !value().empty() && value() != before; })) << agent.log();
  const std::string after = value();
  const std::size_t dot = after.rfind('.');
  dir.write("text", after.substr(0, dot));
  dir.write("signature", agent::base64url_decode(after.substr(dot + 1)).value().reveal());
  const auto verified = run({"openssl", "pkeyutl", "-verify", "-rawin", "-inkey", (dir / "key").string(), "-in",
                             (dir / "text").string(), "-sigfile", (dir / "signature").string()});
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
}

}  // namespace
}  // namespace jeton::test
