// Several files as one configuration.
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

std::string token(const std::string& name) {
  return "tokens:\n  " + name + ": {source: {type: http, url: 'https://h/'}}\n";
}

TEST(Merge, TokensAreInSeveralFiles_AllAreLoaded) {
  const auto result =
      load_config_text({{"a.yaml", "version: 1\n" + token("a")}, {"b.yaml", token("b")}, {"c.yaml", token("c")}});
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_EQ(result.config->tokens.size(), 3U);
}

TEST(Merge, SectionIsInSeveralFiles_IsJoined) {
  const auto result = load_config_text({{"a.yaml", "version: 1\nagent: {log: {level: debug}}\ncoordination:\n"},
                                        {"b.yaml", "agent: {log: {format: json}, core_dumps: true}\ntokens:\n"},
                                        {"c.yaml", "# nothing\n"},
                                        {"d.yaml", "coordination: {prefix: p}\n" + token("a")}});
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_EQ(result.config->agent.log.level, agent::log::Level::debug);
  EXPECT_EQ(result.config->agent.log.format, agent::log::Format::json);
  EXPECT_TRUE(result.config->agent.core_dumps);
  EXPECT_EQ(result.config->coordination.prefix, "p");
}

TEST(Merge, KeyIsInTwoFiles_IsRefusedAndBothPlacesAreNamed) {
  const auto result = load_config_text({{"a.yaml", "version: 1\nagent:\n  log: {level: debug}\n" + token("a")},
                                        {"b.yaml", "agent:\n  log:\n    level: debug\n"}});
  ASSERT_EQ(result.problems.size(), 1U) << all_texts(result.problems);
  EXPECT_EQ(result.problems[0].text(), "b.yaml:3:5: error: key 'agent.log.level' is already set at a.yaml:3:9");
}

TEST(Merge, TokenIsInTwoFiles_IsRefused) {
  const auto result = load_config_text(
      {{"a.yaml", "version: 1\n" + token("a")}, {"b.yaml", "tokens:\n  a:\n    refresh: {grace: 5m}\n"}});
  ASSERT_EQ(result.problems.size(), 1U) << all_texts(result.problems);
  EXPECT_EQ(result.problems[0].text(), "b.yaml:2:3: error: token 'a' is already set at a.yaml:3:3");
}

TEST(Merge, SectionIsAMapInOneFileAndTextInAnother_IsRefused) {
  const auto result =
      load_config_text({{"a.yaml", "version: 1\nagent: {}\n" + token("a")}, {"b.yaml", "agent: text\n"}});
  ASSERT_EQ(result.problems.size(), 1U) << all_texts(result.problems);
  EXPECT_EQ(result.problems[0].text(), "b.yaml:1:1: error: key 'agent' is already set at a.yaml:2:1");
}

TEST(Merge, VersionIsInEveryFile_IsAcceptedIfItIsTheSame) {
  EXPECT_TRUE(
      load_config_text({{"a.yaml", "version: 1\n" + token("a")}, {"b.yaml", "version: 1\n" + token("b")}}).config);
  const auto result = load_config_text({{"a.yaml", "version: 1\n"}, {"b.yaml", "version: 2\n" + token("b")}});
  EXPECT_FALSE(result.config);
  EXPECT_EQ(result.problems.front().text(), "b.yaml:1:1: error: key 'version' is already set at a.yaml:1:1");
}

TEST(Merge, SeveralFilesHaveErrors_EachIsReportedInItsFile) {
  const auto result = load_config_text({{"z.yaml", "version: 1\nagent: {colour: red}\n"},
                                        {"a.yaml", "\ntokens: {a: {sauce: {}}}\n"},
                                        {"m.yaml", "coordination: {prefix: '{'}\n"}});
  const std::string all = all_texts(result.problems);
  EXPECT_NE(all.find("a.yaml:2:14: error: unknown key 'sauce' in tokens.a; did you mean 'source'?"), std::string::npos)
      << all;
  ASSERT_EQ(result.problems.size(), 4U) << all;
  EXPECT_EQ(result.problems.front().file, "z.yaml");  // in the order of the files
  EXPECT_EQ(result.problems.back().file, "m.yaml");
}

TEST(Merge, FilesCannotBeRead_EachIsReported) {
  const TempDir dir;
  const auto broken = dir.write("b.yaml", "a: [\n");
  const auto result = agent::load_config_files(
      agent::read_config_files({dir / "missing.yaml", broken, dir.path(), dir.write("ok.yaml", "version: 2\n")}));
  ASSERT_EQ(result.problems.size(), 3U) << all_texts(result.problems);
  EXPECT_EQ(result.problems[0].text(),
            (dir / "missing.yaml").string() + ": error: cannot read the configuration file: No such file or directory");
  EXPECT_EQ(result.problems[1].file, broken.string());
  EXPECT_NE(result.problems[2].message.find("directory"), std::string::npos);
}

}  // namespace
}  // namespace jeton::test
