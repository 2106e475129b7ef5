#include "agent/config/secrets/secret_template.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "agent/base/error.hpp"
#include "tests/support/dead_mount.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using test::TempDir;

std::string resolved(const std::string& text) { return std::string(SecretTemplate::parse(text).resolve().reveal()); }

std::string failure_of(const std::string& text) {
  try {
    return "resolved to " + std::to_string(resolved(text).size()) + " bytes";
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(SecretTemplate, ThereIsNoReference_ResolvesToItsText) {
  EXPECT_EQ(resolved("plain $5 {x} $"), "plain $5 {x} $");
  EXPECT_FALSE(SecretTemplate::parse("plain").has_reference());
  EXPECT_TRUE(SecretTemplate::parse("").empty());
  EXPECT_EQ(SecretTemplate::parse("plain"), SecretTemplate::literal("plain"));
}

TEST(SecretTemplate, ReferenceIsEscaped_IsText) {
  EXPECT_EQ(resolved("a$${file:/x}b"), "a${file:/x}b");
  EXPECT_FALSE(SecretTemplate::parse("$${env:X}").has_reference());
}

// As YAML writes them in double quotes: a message would take more lines, or move the cursor of a terminal.
TEST(SecretTemplate, ReferenceWithControlCharacters_IsNamedOnOneLine) {
  EXPECT_EQ(failure_of("${env:A\nB}"), "${env:...}: not a name of an environment variable");
  EXPECT_EQ(failure_of("${file:/none\nsuch\x1b[2J}"), "${file:/none such [2J}: No such file or directory");
  EXPECT_EQ(failure_of("${now:%Y\n}"), "${now:%Y }: is not allowed here");
}

TEST(SecretTemplate, LongReference_IsShortInItsMessage) {
  const std::string text(100'000, 'a');
  EXPECT_LT(failure_of("${env:" + std::string(100'000, '\x80') + "}").size(), 400U) << "no UTF-8";
  for (const char* kind : {"", "env:!", "env:", "file:/", "token:", "now:"}) {
    EXPECT_LT(failure_of("${" + std::string(kind) + text + "}").size(), 400U) << kind;
    EXPECT_LT(failure_of("${" + text + ":" + kind + "}").size(), 400U) << kind;
  }
}

TEST(SecretTemplate, TextHasReferences_AreReplacedByTheirValues) {
  const TempDir dir;
  const auto key = dir.write("key", "k1");
  ::setenv("JETON_TEST_SECRET", "e1", 1);
  EXPECT_EQ(resolved("Bearer ${file:" + key.string() + "}/${env:JETON_TEST_SECRET}!"), "Bearer k1/e1!");
  ::unsetenv("JETON_TEST_SECRET");
}

TEST(SecretTemplate, FileEndsWithLineEnds_TheyAreDropped) {
  const TempDir dir;
  for (const char* ending : {"", "\n", "\r\n", "\n\n", "\r", "\r\n\r\n"}) {
    EXPECT_EQ(resolved("${file:" + dir.write("key", std::string("key") + ending).string() + "}"), "key");
  }
  EXPECT_EQ(resolved("${file:" + dir.write("pem", "-----BEGIN\n  a b \n-----END\n").string() + "}"),
            "-----BEGIN\n  a b \n-----END");
}

TEST(SecretTemplate, FileBeginsWithAByteOrderMark_ItIsDropped) {
  const TempDir dir;
  EXPECT_EQ(resolved("${file:" + dir.write("key", "\xEF\xBB\xBFkey\r\n").string() + "}"), "key");
  EXPECT_NE(failure_of("${file:" + dir.write("mark", "\xEF\xBB\xBF").string() + "}").find("empty"), std::string::npos);
}

TEST(SecretTemplate, TextCannotBeMeant_IsRefusedWithTheReason) {
  const TempDir dir;
  for (const char* text : {"key ", " key", "key\t\n", "\xEF\xBB\xBF key", "key \r\n", "\nkey", "key\n \n", " \nkey",
                           "key\f", "key\x1A\r\n", "key\xC2\xA0", "key\xE2\x80\x8B\n", "key\xEF\xBB\xBF",
                           "\xEF\xBB\xBF\xEF\xBB\xBFkey", "\xE3\x80\x80key", "key\xC2\x85"}) {
    EXPECT_NE(failure_of("${file:" + dir.write("key", text).string() + "}").find("begins or ends with a blank"),
              std::string::npos)
        << text;
  }
  for (const std::string& wide :
       {std::string("\xFF\xFEk\0", 4), std::string("k\0e\0y\0\r\0\n\0", 10), std::string("\0k\0e\0y", 6)}) {
    EXPECT_NE(failure_of("${file:" + dir.write("wide", wide).string() + "}").find("UTF-16"), std::string::npos);
  }
  for (const std::string& good :
       {std::string("k e\ty"), std::string("schl\xC3\xBCssel\xC3\xA0"), std::string("\x01\xFF\x00\x80 ", 5),
        std::string(" -----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n \n")}) {
    EXPECT_EQ(failure_of("${file:" + dir.write("good", good).string() + "}").rfind("resolved to", 0), 0U) << good;
  }
}

TEST(SecretTemplate, VariableEndsWithLineEnds_TheyAreDroppedAndBlanksAreNot) {
  ::setenv("JETON_TEST_SECRET", " key \r\n", 1);
  EXPECT_EQ(resolved("${env:JETON_TEST_SECRET}"), " key ");
  ::unsetenv("JETON_TEST_SECRET");
}

TEST(SecretTemplate, ReferenceLacksItsKind_TheRightOneIsNamed) {
  EXPECT_NE(failure_of("${CLIENT_SECRET}").find("did you mean ${env:CLIENT_SECRET}?"), std::string::npos);
  EXPECT_NE(failure_of("${ENV:CLIENT_SECRET}").find("did you mean ${env:...}?"), std::string::npos);
  EXPECT_NE(failure_of("${filx:/etc/key}").find("did you mean ${file:...}?"), std::string::npos);
  EXPECT_EQ(failure_of("pa${s5w0rd}").find("s5w0rd"), std::string::npos) << "it may be a part of a secret";
}

TEST(SecretTemplate, FileIsOnADeadMount_IsAnErrorThatNamesIt) {
  test::DeadMount mount;
  if (!mount.works()) GTEST_SKIP() << "needs root and /dev/fuse";
  const std::string file = (mount.path() / "key").string();
  EXPECT_EQ(failure_of("${file:" + file + "}"),
            "${file:" + file + "}: the file system does not answer; is it on a mount whose server is gone?");
}

TEST(SecretTemplate, FileIsReplaced_NextUseReadsTheNewOne) {
  const TempDir dir;
  const auto file = dir.write("key", "old\n");
  const SecretTemplate secret = SecretTemplate::parse("${file:" + file.string() + "}");
  EXPECT_EQ(secret.resolve().reveal(), "old");
  std::filesystem::rename(dir.write("key.new", "new\n"), file);
  EXPECT_EQ(secret.resolve().reveal(), "new");
  std::filesystem::remove(file);
  EXPECT_THROW((void)secret.resolve(), Error);
}

TEST(SecretTemplate, CredentialHasEitherName_IsFound) {
  const TempDir dir;
  ::setenv("CREDENTIALS_DIRECTORY", dir.path().c_str(), 1);
  (void)dir.write("jeton_redis", "from-directory");
  EXPECT_EQ(resolved("${credential:redis}"), "from-directory");
  (void)dir.write("redis", "direct");
  EXPECT_EQ(resolved("${credential:redis}"), "direct");
  EXPECT_NE(failure_of("${credential:other}").find("neither other nor jeton_other is in " + dir.path().string()),
            std::string::npos);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_NE(failure_of("${credential:redis}").find("$CREDENTIALS_DIRECTORY is not set"), std::string::npos);
}

TEST(SecretTemplate, ReferenceFails_IsNamed) {
  const TempDir dir;
  EXPECT_EQ(failure_of("x${file:/nonexistent/key}"), "${file:/nonexistent/key}: No such file or directory");
  EXPECT_EQ(failure_of("${env:JETON_TEST_NOT_SET}"), "${env:JETON_TEST_NOT_SET}: the environment has no such variable");
  EXPECT_NE(failure_of("${file:/dev/zero}").find("not a regular file"), std::string::npos);
  const auto fifo = dir / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(failure_of("${file:" + fifo.string() + "}").find("not a regular file"), std::string::npos);
  EXPECT_NE(failure_of("${file:" + dir.write("empty", "\n").string() + "}").find("empty"), std::string::npos);
}

TEST(SecretTemplate, FileIsTooLarge_IsRefused) {
  const TempDir dir;
  EXPECT_EQ(resolved("${file:" + dir.write("full", std::string(64 * 1024, 'x')).string() + "}").size(), 64U * 1024U);
  EXPECT_NE(failure_of("${file:" + dir.write("over", std::string(64 * 1024 + 1, 'x')).string() + "}").find("64 KiB"),
            std::string::npos);
}

TEST(SecretTemplate, ReferenceIsMalformed_IsRefused) {
  for (const char* text :
       {"${", "${}", "${file}", "${file:}", "${file:relative}", "${env:}", "${env:a b}", "${credential:}",
        "${credential:../x}", "${credential:a/b}", "${credential:.hidden}", "${vault:x}", "${FILE:/x}"}) {
    EXPECT_THROW((void)SecretTemplate::parse(text), Error) << text;
  }
}

}  // namespace
}  // namespace jeton::agent
