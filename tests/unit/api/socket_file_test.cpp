#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>

#include "agent/api/server/listener.hpp"
#include "agent/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;

class SocketFileTest : public ::testing::Test {
 protected:
  std::string error_of_making(const std::filesystem::path& path) {
    try {
      const SocketFile file(path);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  test::TempDir dir;
};

TEST_F(SocketFileTest, UmaskIsRestrictive_ModeIsReadAndWriteForAll) {
  const mode_t before = ::umask(0077);
  const SocketFile file(dir / "agent.sock");
  ::umask(before);
  struct stat found {};
  ASSERT_EQ(::lstat((dir / "agent.sock").c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 07777U, 0666U);
  EXPECT_NO_THROW(test::HttpClient{dir / "agent.sock"});
}

TEST_F(SocketFileTest, OwnerIsDestroyed_FileIsRemoved) {
  { const SocketFile file(dir / "agent.sock"); }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST_F(SocketFileTest, SocketOfAKilledAgentRemains_IsReplaced) {
  std::optional<SocketFile> killed(std::in_place, dir / "agent.sock");
  const SocketFile next(dir / "agent.sock");
  EXPECT_NO_THROW(test::HttpClient{dir / "agent.sock"});
  // The one that was replaced leaves the name to its successor.
  killed.reset();
  EXPECT_NO_THROW(test::HttpClient{dir / "agent.sock"});
}

TEST_F(SocketFileTest, PathIsNoSocket_IsAnErrorAndTheFileIsKept) {
  std::ofstream(dir / "agent.sock") << "precious";
  EXPECT_THAT(error_of_making(dir / "agent.sock"), HasSubstr("is not a socket"));
  EXPECT_EQ(test::read_file(dir / "agent.sock"), "precious");
  std::filesystem::create_symlink("agent.sock", dir / "link.sock");
  EXPECT_THAT(error_of_making(dir / "link.sock"), HasSubstr("is not a socket"));
}

TEST_F(SocketFileTest, PathIsTooLong_ErrorNamesTheSetting) {
  EXPECT_THAT(error_of_making(dir / std::string(120, 'x')), HasSubstr("choose a shorter agent.runtime_dir"));
}

TEST_F(SocketFileTest, DirectoryIsMissing_ErrorSaysSo) {
  EXPECT_THAT(error_of_making(dir / "missing/agent.sock"), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace jeton::agent
