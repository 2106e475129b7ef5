// `jeton-agent check` and `fetch` of root judge by what the service will find.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/fault_provider.hpp"
#include "tests/support/process.hpp"

namespace jeton::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class CheckCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can choose another user";
    fs::permissions(dir_.path(), fs::perms(0755));
  }
  // Of a token with this secret.
  std::string config(const std::string& secret) {
    const auto file =
        dir_.write("agent.yaml", "version: 1\ntokens:\n  t:\n    source: {type: http, url: \"" + provider_.url() +
                                     "\", form: {client_secret: \"" + secret + "\"}}\n");
    fs::permissions(file, fs::perms(0644));
    return file.string();
  }
  static RunResult check(const std::string& file, const std::string& user, ProcessOptions options = {}) {
    return run({JETON_AGENT_BINARY, "check", "--user", user, "--config", file}, std::move(options));
  }

  FaultProvider provider_;
  TempDir dir_;
};

TEST_F(CheckCommand, SecretIsRootsAlone_IsRefusedForTheUserOfTheService) {
  const auto secret = dir_.write("secret", "k");
  fs::permissions(secret, fs::perms(0600));
  const std::string file = config("${file:" + secret.string() + "}");
  EXPECT_EQ(check(file, "root").status, 0);
  const RunResult refused = check(file, "nobody");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("secret}: Permission denied"), HasSubstr("(checked as user nobody)")));
}

TEST_F(CheckCommand, CredentialsAreRootsAlone_AreThoseOfTheService) {
  const auto folder = dir_ / "credentials";
  fs::create_directory(folder);
  dir_.write("credentials/api-secret", "k\n");
  fs::permissions(folder, fs::perms(0700));
  const ProcessOptions options{.env = {{"CREDENTIALS_DIRECTORY", folder.string()}}};
  EXPECT_EQ(check(config("${credential:api-secret}"), "nobody", options).status, 0);
  const RunResult refused = check(config("${credential:other}"), "nobody", options);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("${credential:other}: the service gets no credential with that name"));
}

TEST_F(CheckCommand, CredentialCannotBeMeant_IsRefusedWithTheReason) {
  const auto folder = dir_ / "credentials";
  fs::create_directory(folder);
  dir_.write("credentials/api-secret", "k \n");
  const RunResult refused =
      check(config("${credential:api-secret}"), "nobody", {.env = {{"CREDENTIALS_DIRECTORY", folder.string()}}});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("begins or ends with a blank"));
}

TEST_F(CheckCommand, FetchIsOfRoot_HasTheCredentialsOfTheService) {
  const auto folder = dir_ / "credentials";
  fs::create_directory(folder);
  dir_.write("credentials/api-secret", "k3y-of-the-app\n");
  fs::permissions(folder, fs::perms(0700));
  const RunResult fetched = run(
      {JETON_AGENT_BINARY, "fetch", "t", "--once", "--user", "nobody", "--config", config("${credential:api-secret}")},
      {.env = {{"CREDENTIALS_DIRECTORY", folder.string()}}});
  EXPECT_EQ(fetched.status, 0) << fetched.err;
  ASSERT_EQ(provider_.seen().size(), 1U);
  EXPECT_THAT(provider_.seen().front().body, HasSubstr("client_secret=k3y-of-the-app"));
}

TEST_F(CheckCommand, UserIsAskedForByAnother_IsRefused) {
  const RunResult refused =
      run({JETON_AGENT_BINARY, "check", "--user", "daemon", "--config", config("x")}, {.uid = 65534, .gid = 65534});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("only root can choose another user"));
}

}  // namespace
}  // namespace jeton::test
