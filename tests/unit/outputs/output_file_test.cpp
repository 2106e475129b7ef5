#include "agent/outputs/output_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/acl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uid_t another_user = 12345;

struct stat status_of(const fs::path& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

class OutputFile : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(dir / "out");
    output.path = dir / "out" / "token";
  }
  // "written", "as before", or why not.
  std::string write(const std::string& text, const HookMark& mark = {}) const {
    try {
      return write_output(output, SecretString(text), mark) ? "written" : "as before";
    } catch (const Error& e) {
      return e.what();
    }
  }
  std::string remove() const {
    try {
      return remove_output(output, {}) ? "removed" : "not there";
    } catch (const Error& e) {
      return e.what();
    }
  }
  [[nodiscard]] std::string content() const { return test::read_file(output.path); }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir / "out")) names.push_back(entry.path().filename());
    return names;
  }
  [[nodiscard]] std::string path_text() const { return output.path.string(); }

  void TearDown() override {
    if (mounted) ::umount2((dir / "out").c_str(), MNT_DETACH);
  }

  test::TempDir dir;
  OutputConfig output;
  bool mounted = false;
};

TEST_F(OutputFile, ThereIsNone_IsMadeForTheAgentsUserAlone) {
  const mode_t before = ::umask(0);
  EXPECT_EQ(write("tok\n"), "written");
  ::umask(before);
  EXPECT_EQ(content(), "tok\n");
  EXPECT_EQ(status_of(output.path).st_mode & 07777, 0600U);
  EXPECT_EQ(status_of(output.path).st_uid, ::geteuid());
  EXPECT_THAT(files(), testing::ElementsAre("token"));
}

TEST_F(OutputFile, ContentIsNew_AnotherFileTakesItsPlace) {
  EXPECT_EQ(write("old"), "written");
  const ino_t old = status_of(output.path).st_ino;
  EXPECT_EQ(write("new"), "written");
  EXPECT_EQ(content(), "new");
  EXPECT_NE(status_of(output.path).st_ino, old) << "a reader of the old file would see it change";
}

TEST_F(OutputFile, EverythingIsAsWanted_IsLeftAlone) {
  EXPECT_EQ(write("tok"), "written");
  const ino_t old = status_of(output.path).st_ino;
  EXPECT_EQ(write("tok"), "as before");
  EXPECT_EQ(status_of(output.path).st_ino, old);
}

TEST_F(OutputFile, ModeOrLengthDiffers_IsWrittenAgain) {
  EXPECT_EQ(write("tok"), "written");
  output.mode = 0640;
  EXPECT_EQ(write("tok"), "written");
  EXPECT_EQ(status_of(output.path).st_mode & 07777, 0640U);
  EXPECT_EQ(write("to"), "written");
  EXPECT_EQ(write("tok"), "written");
}

TEST_F(OutputFile, GroupIsSet_FileBelongsToIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to any group";
  output.group = "54321";
  output.mode = 0640;
  EXPECT_EQ(write("tok"), "written");
  EXPECT_EQ(status_of(output.path).st_gid, 54321U);
  EXPECT_EQ(write("tok"), "as before");
}

TEST_F(OutputFile, GroupIsNotSetAnyMore_FileIsTakenFromIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to any group";
  output.group = "54321";
  output.mode = 0640;
  EXPECT_EQ(write("tok"), "written");
  output.group.clear();
  EXPECT_EQ(write("tok"), "written");
  EXPECT_EQ(status_of(output.path).st_gid, ::getegid());
  EXPECT_EQ(write("tok"), "as before");

  ASSERT_EQ(::chown((dir / "out").c_str(), 0, 54321), 0);
  ASSERT_EQ(::chmod((dir / "out").c_str(), 02755), 0);
  EXPECT_EQ(write("tok"), "written") << "the directory hands on its group";
  EXPECT_EQ(status_of(output.path).st_gid, 54321U);
  EXPECT_EQ(write("tok"), "as before");
}

TEST_F(OutputFile, OwnerIsSetByRoot_FileBelongsToItAlsoInADirectoryOfIts) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  output.owner = std::to_string(another_user);
  ASSERT_EQ(::chown((dir / "out").c_str(), another_user, 0), 0);
  EXPECT_EQ(write("tok"), "written");
  EXPECT_EQ(status_of(output.path).st_uid, another_user);
  EXPECT_EQ(write("tok"), "as before");
}

TEST_F(OutputFile, RemainsOfAKilledAgentAreThere_AreReplaced) {
  dir.write("out/.token.jeton-new", "half");
  EXPECT_EQ(write("tok"), "written");
  EXPECT_THAT(files(), testing::ElementsAre("token"));
}

TEST_F(OutputFile, DirectoryIsMissing_ErrorNamesItAndTheRemedy) {
  fs::remove(dir / "out");
  EXPECT_EQ(write("tok"), (dir / "out").string() +
                              ": No such file or directory; create it for the agent's user (tmpfiles.d, or "
                              "RuntimeDirectory= in a drop-in of the unit)");
}

TEST_F(OutputFile, LinkIsInItsPlace_IsRefusedAndItsTargetStays) {
  dir.write("target", "of another");
  fs::create_symlink(dir / "target", output.path);
  EXPECT_EQ(write("tok"), path_text() + " is a symbolic link, which is not written to; remove it");
  EXPECT_EQ(remove(), path_text() + " is a symbolic link, which is not written to; remove it");
  EXPECT_EQ(test::read_file(dir / "target"), "of another");
}

TEST_F(OutputFile, DirectoryOnTheWayIsALink_IsRefused) {
  fs::create_directory_symlink(dir / "out", dir / "way");
  output.path = dir / "way" / "token";
  EXPECT_THAT(write("tok"), HasSubstr((dir / "way").string() + " is a symbolic link"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(OutputFile, AnotherKindOfFileIsInItsPlace_IsRefused) {
  fs::create_directory(output.path);
  EXPECT_EQ(write("tok"), path_text() + " is not a regular file; remove it");
  fs::remove(output.path);
  ASSERT_EQ(::mkfifo(output.path.c_str(), 0600), 0);
  EXPECT_EQ(write("tok"), path_text() + " is not a regular file; remove it");
}

TEST_F(OutputFile, AnotherUserHasPutALinkOrAFileThere_IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of another user";
  dir.write("target", "of root");
  fs::create_symlink(dir / "target", output.path);
  ASSERT_EQ(::lchown(output.path.c_str(), another_user, another_user), 0);
  EXPECT_THAT(write("tok"), HasSubstr("is a symbolic link"));
  EXPECT_EQ(test::read_file(dir / "target"), "of root");
  fs::remove(output.path);

  dir.write("out/token", "of another");
  ASSERT_EQ(::chown(output.path.c_str(), another_user, another_user), 0);
  EXPECT_THAT(write("tok"), HasSubstr(path_text() + " belongs to another user"));
  EXPECT_EQ(content(), "of another");
}

TEST_F(OutputFile, AnotherUserCanWriteInTheDirectory_IsRefused) {
  for (const mode_t mode : {0777U, 0757U}) {
    ASSERT_EQ(::chmod((dir / "out").c_str(), mode), 0);
    EXPECT_THAT(write("tok"), HasSubstr((dir / "out").string() + " can be written by other users"));
  }
  EXPECT_THAT(files(), IsEmpty());
}

// While there is no file, anybody could make it.
TEST_F(OutputFile, DirectoryHasTheStickyBit_IsRefusedAndAboveItIsNot) {
  ASSERT_EQ(::chmod((dir / "out").c_str(), 01777), 0);
  EXPECT_THAT(write("tok"), HasSubstr((dir / "out").string() + " can be written by other users"));
  EXPECT_THAT(files(), IsEmpty());
  fs::create_directory(dir / "out" / "own");
  output.path = dir / "out" / "own" / "token";
  EXPECT_EQ(write("tok"), "written");
}

TEST_F(OutputFile, AnotherUserOwnsADirectoryOnTheWay_IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directories(dir / "theirs" / "out");
  ASSERT_EQ(::chown((dir / "theirs").c_str(), another_user, another_user), 0);
  output.path = dir / "theirs" / "out" / "token";
  EXPECT_THAT(write("tok"), HasSubstr((dir / "theirs").string() + " belongs to another user"));
  EXPECT_TRUE(fs::is_empty(dir / "theirs" / "out"));
}

TEST_F(OutputFile, GroupCanWriteInTheDirectory_IsRefusedUnlessItIsTheAgentsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory to any group";
  ASSERT_EQ(::chmod((dir / "out").c_str(), 0775), 0);
  ASSERT_EQ(::chown((dir / "out").c_str(), 0, 54321), 0);
  EXPECT_THAT(write("tok"), HasSubstr("or give it the agent's own group"));
  ASSERT_EQ(::chown((dir / "out").c_str(), 0, ::getegid()), 0);
  EXPECT_EQ(write("tok"), "written");
}

// The mode shows the mask of an access list in the place of the group, and none of its entries.
TEST_F(OutputFile, AccessListLetsAnotherUserWrite_IsRefusedUnlessItIsMasked) {
  const auto set_list = [this](const std::string& entries) {
    const std::string text = "u::rwx,g::r-x,o::r-x," + entries;
    acl_t const list = ::acl_from_text(text.c_str());
    const int set = ::acl_set_file((dir / "out").c_str(), ACL_TYPE_ACCESS, list);
    ::acl_free(list);
    return set == 0;
  };
  if (!set_list("m::rwx,u:12345:rwx")) GTEST_SKIP() << "this file system has no access lists";
  const std::string refusal = (dir / "out").string() + " can be written by other users, who could lead the file " +
                              "elsewhere; getfacl " + (dir / "out").string() + " shows them";
  EXPECT_THAT(write("tok"), testing::StartsWith(refusal));
  ASSERT_TRUE(set_list("m::rwx,g:54321:-wx"));
  EXPECT_THAT(write("tok"), testing::StartsWith(refusal));
  EXPECT_THAT(files(), IsEmpty());

  ASSERT_TRUE(set_list("m::r-x,u:12345:rwx,g:54321:rwx"));
  EXPECT_EQ(write("tok"), "written") << "the mask takes the right to write";
  ASSERT_TRUE(set_list("m::rwx,u:12345:r-x,u:" + std::to_string(::geteuid()) + ":rwx"));
  EXPECT_EQ(write("new"), "written") << "only the agent's user may write";
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown((dir / "out").c_str(), 0, 54321), 0);
  EXPECT_EQ(write("newer"), "written") << "the group of the directory may not write, though the mask would let it";
}

TEST_F(OutputFile, IsRemoved_NothingIsLeft) {
  dir.write("out/.token.jeton-new", "half");
  EXPECT_EQ(remove(), "not there");
  EXPECT_THAT(files(), IsEmpty()) << "a killed agent has left it";
  EXPECT_EQ(write("tok"), "written");
  EXPECT_EQ(remove(), "removed");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(OutputFile, ThereIsAMark_IsSetForAChangeOnly) {
  const HookMark mark = dir / "marks" / "m";
  EXPECT_EQ(write("tok", mark), "written");
  EXPECT_TRUE(fs::exists(mark));
  EXPECT_EQ(status_of(mark.parent_path()).st_mode & 07777, 0700U);
  fs::remove(mark);
  EXPECT_EQ(write("tok", mark), "as before");
  EXPECT_FALSE(fs::exists(mark));
}

TEST_F(OutputFile, DiskIsFull_OldFileStaysAndNothingIsLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a tmpfs";
  if (::mount("tmpfs", (dir / "out").c_str(), "tmpfs", 0, "size=64k,mode=755") != 0) {
    GTEST_SKIP() << "this machine does not let root mount a tmpfs";
  }
  mounted = true;
  EXPECT_EQ(write("old"), "written");
  EXPECT_EQ(write(std::string(1024 * 1024, 'x')), path_text() + ": No space left on device");
  EXPECT_EQ(content(), "old");
  EXPECT_THAT(files(), testing::ElementsAre("token"));
  EXPECT_EQ(write("new"), "written");
}

}  // namespace
}  // namespace jeton::agent
