// Mistakes in a source of type exec, file or jwt.
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

class BrokenLocalSource : public testing::TestWithParam<BrokenConfig> {};

// `text` is in the source, from line 5 on. KEY is a key of P-256, RSA one of another type.
TEST_P(BrokenLocalSource, SourceHasAnError_IsRefusedAtItsPlace) {
  const TempDir dir;
  const BrokenConfig& broken = GetParam();
  std::string text = std::string("version: 1\ntokens:\n  t:\n    source:\n") + broken.text;
  const auto replace = [&](const std::string& name, const std::vector<std::string>& algorithm) {
    const std::size_t at = text.find(name);
    if (at == std::string::npos) return;
    std::vector<std::string> argv{"openssl", "genpkey", "-out", (dir / name).string(), "-algorithm"};
    argv.insert(argv.end(), algorithm.begin(), algorithm.end());
    ASSERT_EQ(run(argv).status, 0);
    text.replace(at, name.size(), "${file:" + (dir / name).string() + "}");
  };
  replace("KEY", {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"});
  replace("RSA", {"RSA"});
  expect_refused({broken.name, text.c_str(), broken.line, broken.message});
}

std::string problems_of_command(const std::string& command) {
  return all_texts(
      load_text("version: 1\ntokens:\n  t:\n    source:\n      type: exec\n      command: " + command + "\n").problems);
}

TEST(ExecCommand, HasAWordThatOnlyAShellActsOn_IsWarnedOf) {
  for (const char* word : {"\"|\"", "\"&&\"", "\">\"", "2>&1", "$HOME", "$(date)", "~/bin"}) {
    const std::string problems = problems_of_command("[/bin/echo, a, " + std::string(word) + ", b]");
    EXPECT_NE(problems.find("agent.yaml:6:31: warning: tokens.t.source.command: "), std::string::npos)
        << word << ": " << problems;
    EXPECT_NE(problems.find("no shell is used"), std::string::npos) << word;
  }
  EXPECT_EQ(problems_of_command("[/bin/sh, -c, \"$HOME/get | tail -n 1\"]"), "");
  EXPECT_EQ(problems_of_command("[/bin/echo, \"a | b\", $, \"-\"]"), "");
}

INSTANTIATE_TEST_SUITE_P(
    Exec, BrokenLocalSource,
    testing::Values(
        BrokenConfig{"NoCommand", "      type: exec\n", 4, "missing"},
        BrokenConfig{"CommandIsText", "      type: exec\n      command: /bin/true -x\n", 6, "expected a list"},
        BrokenConfig{"CommandIsEmpty", "      type: exec\n      command: []\n", 6, "expected a list"},
        BrokenConfig{"RelativeProgram", "      type: exec\n      command: [true]\n", 6, "must be an absolute path"},
        BrokenConfig{"MissingProgram", "      type: exec\n      command: [/nonexistent/x]\n", 6, "No such file"},
        BrokenConfig{"ArgumentIsAMap", "      type: exec\n      command: [/bin/true, {a: b}]\n", 6, "must be text"},
        BrokenConfig{"SecretInArguments", "      type: exec\n      command: [/bin/true, \"${file:/etc/x}\"]\n", 6,
                     "put the secret into source.env"},
        BrokenConfig{"VariableName", "      type: exec\n      command: [/bin/true]\n      env: {a-b: c}\n", 7,
                     "not a name of an environment variable"},
        BrokenConfig{"RelativeFolder", "      type: exec\n      command: [/bin/true]\n      working_directory: tmp\n",
                     7, "must be an absolute path"},
        BrokenConfig{"PointersWithAFormat",
                     "      type: exec\n      command: [/bin/true]\n      format: aws\n      response: {token: /t}\n",
                     8, "only default_lifetime, max_body"},
        BrokenConfig{"UnknownFormat", "      type: exec\n      command: [/bin/true]\n      format: yaml\n", 7,
                     "expected one of json, text, kubernetes, aws"},
        BrokenConfig{"KeyOfHttp", "      type: exec\n      command: [/bin/true]\n      url: https://x\n", 7,
                     "unknown key 'url'"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    File, BrokenLocalSource,
    testing::Values(
        BrokenConfig{"NoPath", "      type: file\n", 4, "missing"},
        BrokenConfig{"RelativePath", "      type: file\n      path: token\n", 6, "the absolute path of a file"},
        BrokenConfig{"PathIsAFolder", "      type: file\n      path: /usr\n", 6, "is not a regular file"},
        BrokenConfig{"ResponseOfText", "      type: file\n      path: /x/t\n      response: {token: /t}\n", 7,
                     "is for format json"},
        BrokenConfig{"LifetimeOfJson", "      type: file\n      path: /x/t\n      format: json\n      lifetime: 1h\n",
                     8, "set response.default_lifetime"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Jwt, BrokenLocalSource,
    testing::Values(
        BrokenConfig{"NoLifetime", "      type: jwt\n      algorithm: ES256\n      key: KEY\n", 4, "lifetime"},
        BrokenConfig{"EmptyKey", "      type: jwt\n      algorithm: ES256\n      key: ''\n      lifetime: 1h\n", 7,
                     "source.key is empty; expected text or a reference"},
        BrokenConfig{"UnknownAlgorithm", "      type: jwt\n      algorithm: none\n      key: KEY\n      lifetime: 1h\n",
                     6, "unknown value 'none'"},
        BrokenConfig{"KeyOfAnotherType",
                     "      type: jwt\n      algorithm: ES256\n      key: RSA\n      lifetime: 1h\n", 7,
                     "ES256 signs with an EC key"},
        BrokenConfig{"ClaimOfTheAgent",
                     "      type: jwt\n      algorithm: ES256\n      key: KEY\n      lifetime: 1h\n"
                     "      claims: {exp: 5}\n",
                     9, "claims.exp is set by the agent"},
        BrokenConfig{"HeaderOfTheAgent",
                     "      type: jwt\n      algorithm: ES256\n      key: KEY\n      lifetime: 1h\n"
                     "      header: {alg: none}\n",
                     9, "header.alg is set by the agent"},
        BrokenConfig{"ClaimsAreAList",
                     "      type: jwt\n      algorithm: ES256\n      key: KEY\n      lifetime: 1h\n      claims: [a]\n",
                     9, "expected a map of keys"},
        BrokenConfig{"SetsWhatItCannot",
                     "      type: jwt\n      algorithm: ES256\n      key: KEY\n      lifetime: 1h\n      set: [nbf]\n",
                     9, "put 'nbf' into source.claims"},
        BrokenConfig{"PartsOfASecond",
                     "      type: jwt\n      algorithm: ES256\n      key: KEY\n      lifetime: 1500ms\n", 8,
                     "whole seconds"}),
    name_of);

TEST(LocalSource, FileIsReadableByAll_IsWarnedOf) {
  const TempDir dir;
  const auto path = dir.write("token", "secret");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const auto result =
      load_text("version: 1\ntokens:\n  t:\n    source:\n      type: file\n      path: " + path.string() + "\n");
  EXPECT_TRUE(result.config);
  EXPECT_NE(all_texts(result.problems).find("can be read by every user"), std::string::npos);
}

}  // namespace
}  // namespace jeton::test
