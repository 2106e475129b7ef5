#include "agent/config/secrets/environment_file.hpp"

#include <gmock/gmock.h>

#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using testing::ElementsAre;

std::vector<std::string> read(std::string_view text) {
  std::vector<std::string> all;
  for (const auto& [name, value] : parse_environment_file(text))
    all.push_back(name + "=" + std::string(value.reveal()));
  return all;
}

// Each as systemd 252 hands it to a service.
TEST(EnvironmentFile, IsWrittenInOneOfManyForms_IsReadAsBySystemd) {
  EXPECT_THAT(read("A=b\n\n  B = c d \t\r\nC=\n"), ElementsAre("A=b", "B=c d", "C="));
  EXPECT_THAT(read("A=\"a b\"\nB='a $b\\'\n"), ElementsAre("A=a b", "B=a $b\\"));
  EXPECT_THAT(read("A=a\\\nb\nB=c\\d\n"), ElementsAre("A=ab", "B=cd"));
  EXPECT_THAT(read("A=\"a\\\"b\\$c\\d\"\nB=\"two\nlines\"\n"), ElementsAre("A=a\"b$c\\d", "B=two\nlines"));
  EXPECT_THAT(read("A='q'z\nB=\"a\" 'b'\nC=a\"b\"\n"), ElementsAre("A=qz", "B=ab", "C=a\"b\""));
  EXPECT_THAT(read("A=x # y\n# B=c\n; E=f\nF=g"), ElementsAre("A=x # y", "F=g"));
}

TEST(EnvironmentFile, LineIsNoAssignment_IsLeftOut) {
  EXPECT_THAT(read("export A=b\n1A=b\nA-B=c\njust words\n=x\nOK=1\n"), ElementsAre("OK=1"));
  EXPECT_THAT(read(""), ElementsAre());
  EXPECT_THAT(read("A"), ElementsAre());
}

TEST(EnvironmentFile, NameIsAPattern_FilesThatFitAreRead) {
  const test::TempDir dir;
  const std::string b = dir.write("b.env", "").string();
  const std::string a = dir.write("a.env", "").string();
  const std::string other = dir.write("other", "").string();
  EXPECT_THAT(environment_files((dir / "*.env").string()), ElementsAre(a, b));
  EXPECT_THAT(environment_files(other), ElementsAre(other));
  EXPECT_THAT(environment_files((dir / "*.none").string()), ElementsAre());
  EXPECT_THAT(environment_files((dir / "missing").string()), ElementsAre());
}

}  // namespace
}  // namespace jeton::agent
