// config/examples/outputs.yaml: the programs for which the files are find the token in them.
#include <gtest/gtest.h>

#include "agent/outputs/output_content.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/shipped_config.hpp"
#include "tests/unit/outputs/output_records.hpp"

namespace jeton::test {
namespace {

class ShippedOutputs : public testing::Test {
 protected:
  void SetUp() override {
    // Every character that a token may have, but the one that nginx cannot be given.
    for (char c = '!'; c <= '~'; ++c) value += c == '$' ? "" : std::string(1, c);
    tokens.renew("registry", value);
    const auto loaded =
        load_text(with_secrets(read_file(config_dir / "examples" / "outputs.yaml"), dir.write("secret", "s3cret\n")));
    ASSERT_TRUE(loaded.config) << all_texts(loaded.problems);
    for (const agent::OutputConfig& output : loaded.config->tokens.at("registry").outputs) {
      const auto content = agent::fill_in(output.content, "registry", tokens);
      contents[output.path.filename()] = content.text.reveal();
      dir.write(output.path.filename().string(), content.text.reveal());
    }
  }
  [[nodiscard]] std::string file(const char* name) const { return (dir / name).string(); }
  static std::string printed(std::vector<std::string> argv, ProcessOptions options = {}) {
    const RunResult got = run(std::move(argv), std::move(options));
    return got.status == 0 ? got.out : "failed: " + got.err;
  }

  TempDir dir;
  Loop loop;
  KnownRecords tokens{loop.clock};
  std::string value;
  std::map<std::string, std::string> contents;
};

TEST_F(ShippedOutputs, AreWritten_EachHasTheToken) { EXPECT_EQ(contents.size(), 7U); }

TEST_F(ShippedOutputs, IsForDocker_BasicAuthenticationHasTheToken) {
  EXPECT_EQ(printed({"python3", "-c",
                     "import base64, json, sys\n"
                     "auth = json.load(open(sys.argv[1]))['auths']['registry.example.com']['auth']\n"
                     "sys.stdout.write(base64.b64decode(auth).decode())",
                     file("config.json")}),
            "oauth2accesstoken:" + value);
}

TEST_F(ShippedOutputs, IsANetrc_PasswordIsTheToken) {
  EXPECT_EQ(printed({"python3", "-c",
                     "import netrc, sys\n"
                     "sys.stdout.write(netrc.netrc(sys.argv[1]).authenticators('api.example.com')[2])",
                     file("netrc")}),
            value);
}

TEST_F(ShippedOutputs, IsAnEnvironmentFile_VariableIsTheToken) {
  EXPECT_EQ(printed({"/bin/sh", "-c", ". \"$0\"; printf %s \"$API_TOKEN\"", file("api.env")}), value);
}

TEST_F(ShippedOutputs, IsForGit_PasswordIsTheToken) {
  ProcessOptions options;
  options.env = {{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_CONFIG_NOSYSTEM", "1"}, {"HOME", dir.path().string()}};
  options.input = "protocol=https\nhost=git.example.com\n\n";
  const std::string helper = "credential.helper=!f() { cat '" + file("git") + "'; }; f";
  const std::string got = printed({"git", "-c", helper, "credential", "fill"}, options);
  EXPECT_NE(got.find("username=x-access-token\npassword=" + value + "\n"), std::string::npos) << got;
}

TEST_F(ShippedOutputs, IsForTheOthers_TextIsAsTheyWantIt) {
  EXPECT_EQ(contents["prometheus"], value);
  EXPECT_TRUE(contents["pgpass"].starts_with("db.example.com:5432:*:reports:!\"#%&'()*+,-./0123456789\\:;"))
      << contents["pgpass"];
  EXPECT_TRUE(contents["nginx-auth.conf"].starts_with("proxy_set_header Authorization \"Bearer !\\\"#%&"))
      << contents["nginx-auth.conf"];
  EXPECT_TRUE(contents["nginx-auth.conf"].ends_with("\";\n")) << contents["nginx-auth.conf"];
}

}  // namespace
}  // namespace jeton::test
