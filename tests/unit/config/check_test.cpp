#include "agent/cli/check.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/temp_dir.hpp"

namespace jeton::test {
namespace {

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome check(const std::vector<std::filesystem::path>& files) {
  std::ostringstream out;
  std::ostringstream err;
  const int status =
      agent::report_check(agent::load_config_files(agent::read_config_files(files)), files, "", out, err);
  return {status, out.str(), err.str()};
}

constexpr const char* one_token = "tokens: {t: {source: {type: http, url: 'https://h/'}}}\n";

TEST(Check, ConfigurationIsValid_SummaryIsPrinted) {
  const TempDir dir;
  const Outcome local = check({dir.write("a.yaml", std::string("version: 1\n") + one_token)});
  EXPECT_EQ(local.status, 0);
  EXPECT_EQ(local.out, "configuration is valid: 1 token, coordination local (this host only)\n");
  EXPECT_EQ(local.err, "");

  const Outcome redis =
      check({dir.write("b.yaml", "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h/1'}}\n")});
  EXPECT_EQ(redis.status, 0);
  EXPECT_EQ(redis.out, "configuration is valid: 0 tokens, coordination redis at redis://h:6379/1, 1 warning\n");
  EXPECT_NE(redis.err.find("warning: no token"), std::string::npos);
}

TEST(Check, ConfigurationHasProblems_EachIsPrintedAndThenTheCount) {
  const TempDir dir;
  const auto file = dir.write(
      "a.yaml", "version: 1\nagent: {colour: red}\ncoordination: {lock: {ttl: 1}, redis: {endpoint: 'redis://h'}}\n");
  const Outcome outcome = check({file});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  const std::string name = file.string();
  EXPECT_NE(outcome.err.find(name + ":2:9: error: unknown key 'colour'"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find(name + ":3:28: error: coordination.lock.ttl"), std::string::npos) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with("\n" + name + ": 2 errors, 1 warning\n")) << outcome.err;
}

TEST(Check, ThereAreMoreProblemsThanItPrints_AllAreCounted) {
  const TempDir dir;
  std::string text = "version: 1\n";
  for (int i = 0; i < 1500; ++i) text += "unknown_" + std::to_string(i) + ": 1\n";
  const auto file = dir.write("a.yaml", text);
  const Outcome outcome = check({file});
  EXPECT_TRUE(outcome.err.ends_with("\nand 501 further problems\n" + file.string() + ": 1500 errors, 1 warning\n") ||
              outcome.err.ends_with("\nand 500 further problems\n" + file.string() + ": 1500 errors\n"))
      << outcome.err.substr(outcome.err.size() - 300);
}

TEST(Check, FileIsMissing_IsNamed) {
  const TempDir dir;
  const std::string name = (dir / "none.yaml").string();
  const Outcome outcome = check({name});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            name + ": error: cannot read the configuration file: No such file or directory\n" + name + ": 1 error\n");
}

TEST(Check, SeveralFilesHaveErrors_CountIsOfAllFiles) {
  const TempDir dir;
  const Outcome outcome = check({dir.write("a.yaml", "version: 2\n"), dir.write("b.yaml", "agent: {x: 1}\n")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.err.ends_with("\n2 files: 2 errors\n")) << outcome.err;
}

}  // namespace
}  // namespace jeton::test
