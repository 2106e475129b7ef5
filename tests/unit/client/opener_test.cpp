// The files that the strict opener refuses, each with a status of its own.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "libclient/layout/segment.hpp"
#include "tests/support/process.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;

class Opener : public ClientTest {
 protected:
  void SetUp() override {
    make_store();
    publish(1);
  }
  [[nodiscard]] jeton_status opened(const char* name = "api") const {
    jeton_token* token = nullptr;
    const jeton_status status = open(&token, 0, name);
    jeton_close(token);
    return status;
  }
  void overwrite(std::size_t offset, std::string_view with) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.write(with.data(), static_cast<std::streamsize>(with.size()));
  }
  void copy_aside() const { fs::copy_file(file(), dir / "copy"); }
};

TEST_F(Opener, SegmentIsValid_IsOpened) { EXPECT_EQ(opened(), JETON_OK); }

TEST_F(Opener, TokenOrDirectoryIsMissing_IsNotFound) {
  EXPECT_EQ(opened("other"), JETON_NOT_FOUND);
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = "/nonexistent/jeton";
  jeton_token* token = nullptr;
  EXPECT_EQ(jeton_open(&options, "api", &token), JETON_NOT_FOUND);
  EXPECT_EQ(token, nullptr);
}

TEST_F(Opener, ArgumentIsImpossible_IsInvalid) {
  jeton_token* token = nullptr;
  for (const char* name : {"", "..", "../api", "a/b", ".api.tmp"}) {
    EXPECT_EQ(open(&token, 0, name), JETON_INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(jeton_open(nullptr, nullptr, &token), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(jeton_open(nullptr, "api", nullptr), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(open(&token, 1U << 31), JETON_INVALID_ARGUMENT);
  const jeton_options without_size = {0, nullptr, 0};
  EXPECT_EQ(jeton_open(&without_size, "api", &token), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(jeton_current(nullptr, nullptr), JETON_INVALID_ARGUMENT);
  jeton_info info = JETON_INFO_INIT;
  EXPECT_EQ(jeton_inspect(nullptr, &info), JETON_INVALID_ARGUMENT);
  info.size = 0;
  EXPECT_EQ(jeton_inspect(must_open().get(), &info), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(jeton_wait_valid(nullptr, 0), JETON_INVALID_ARGUMENT);
  jeton_close(nullptr);
  jeton_reader_close(nullptr);
}

TEST_F(Opener, FileIsASymbolicLink_IsRefused) {
  fs::rename(file(), dir / "elsewhere");
  fs::create_symlink(dir / "elsewhere", file());
  EXPECT_EQ(opened(), JETON_SYMLINK);
}

TEST_F(Opener, SegmentsDirectoryIsASymbolicLink_IsRefused) {
  fs::rename(dir / "run" / "segments", dir / "elsewhere");
  fs::create_directory_symlink(dir / "elsewhere", dir / "run" / "segments");
  EXPECT_EQ(opened(), JETON_SYMLINK);
}

TEST_F(Opener, RuntimeDirectoryIsASymbolicLink_IsFollowed) {
  fs::create_directory_symlink(dir / "run", dir / "link");
  jeton_options options = JETON_OPTIONS_INIT;
  const std::string path = dir / "link";
  options.directory = path.c_str();
  jeton_token* token = nullptr;
  EXPECT_EQ(jeton_open(&options, "api", &token), JETON_OK);
  jeton_close(token);
}

TEST_F(Opener, FileIsNotRegular_IsRefusedWithoutOpeningIt) {
  fs::remove(file());
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(opened(), JETON_NOT_REGULAR);
  fs::remove(file());
  fs::create_directory(file());
  EXPECT_EQ(opened(), JETON_NOT_REGULAR);
  fs::remove(file());

  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  file().string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(opened(), JETON_NOT_REGULAR);
  ::close(fd);
}

TEST_F(Opener, SegmentsDirectoryIsAFile_IsRefused) {
  fs::rename(dir / "run" / "segments", dir / "aside");
  dir.write("run/segments", "x");
  EXPECT_EQ(opened(), JETON_NOT_REGULAR);
}

TEST_F(Opener, FileIsWritableByOthers_IsRefused) {
  fs::permissions(file(), fs::perms(0620));
  EXPECT_EQ(opened(), JETON_WRITABLE_FILE);
  fs::permissions(file(), fs::perms(0602));
  EXPECT_EQ(opened(), JETON_WRITABLE_FILE);
}

TEST_F(Opener, DirectoryIsWritableByOthers_IsRefused) {
  fs::permissions(dir / "run" / "segments", fs::perms(0775));
  EXPECT_EQ(opened(), JETON_WRITABLE_DIRECTORY);
  fs::permissions(dir / "run" / "segments", fs::perms(01757));
  EXPECT_EQ(opened(), JETON_WRITABLE_DIRECTORY);
  fs::permissions(dir / "run" / "segments", fs::perms(0755));
  fs::permissions(dir / "run", fs::perms(01777));
  EXPECT_EQ(opened(), JETON_WRITABLE_DIRECTORY);
}

TEST_F(Opener, OwnerIsForeign_IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of another user";
  ASSERT_EQ(::chown(file().c_str(), 65534, 65534), 0);
  EXPECT_EQ(opened(), JETON_FOREIGN_OWNER);
  ASSERT_EQ(::chown((dir / "run" / "segments").c_str(), 65534, 65534), 0);
  EXPECT_EQ(opened(), JETON_OK);  // root's directory, all below it of one user
  ASSERT_EQ(::chown((dir / "run").c_str(), 65533, 65533), 0);
  EXPECT_EQ(opened(), JETON_FOREIGN_OWNER);
}

TEST_F(Opener, UserIsNoReader_HasNoPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  fs::permissions(dir.path(), fs::perms(0755));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(100);
    jeton_token* token = nullptr;
    ::_exit(open(&token));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), JETON_NO_PERMISSION);
}

TEST_F(Opener, MagicIsWrong_IsRefused) {
  overwrite(0, "NOTJETON");
  EXPECT_EQ(opened(), JETON_BAD_MAGIC);
}

TEST_F(Opener, MajorVersionIsNewer_IsRefused) {
  overwrite(8, std::string_view("\x02\x00", 2));
  EXPECT_EQ(opened(), JETON_UNSUPPORTED_VERSION);
}

TEST_F(Opener, FileIsShorterThanItsHeader_IsTruncated) {
  fs::resize_file(file(), sizeof(layout::FileHeader) - 1);
  EXPECT_EQ(opened(), JETON_TRUNCATED);
}

TEST_F(Opener, FileIsShorterThanItDeclares_IsTruncated) {
  store.reset();
  fs::resize_file(file(), fs::file_size(file()) - 1);
  EXPECT_EQ(opened(), JETON_TRUNCATED);
}

TEST_F(Opener, FileIsEmpty_IsTruncated) {
  fs::resize_file(file(), 0);
  EXPECT_EQ(opened(), JETON_TRUNCATED);
}

TEST_F(Opener, HeaderIsInconsistent_IsCorrupt) {
  overwrite(offsetof(layout::FileHeader, slot_stride), std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff", 8));
  EXPECT_EQ(opened(), JETON_CORRUPT);
}

TEST_F(Opener, SegmentBelongsToAnotherToken_IsCorrupt) {
  fs::copy_file(file(), dir / "run" / "segments" / "other");
  EXPECT_EQ(opened("other"), JETON_CORRUPT);
}

TEST_F(Opener, DirectoryIsInTheEnvironment_IsTaken) {
  const std::string path = directory();
  ASSERT_EQ(::setenv("JETON_DIR", path.c_str(), 1), 0);
  jeton_token* token = nullptr;
  EXPECT_EQ(jeton_open(nullptr, "api", &token), JETON_OK);
  ::unsetenv("JETON_DIR");
  jeton_close(token);
}

TEST_F(Opener, WorkingDirectoryChanges_RelativeDirectoryStaysTheSame) {
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = "run";
  jeton_token* raw = nullptr;
  const jeton_status status = jeton_open(&options, "api", &raw);
  fs::current_path(before);
  ASSERT_EQ(status, JETON_OK);
  const TokenPtr token(raw);
  store->reconfigure(2048, {}, wall_now());  // makes it look the name up again
  EXPECT_EQ(read(token), "secret-value");
}

TEST_F(Opener, TokenIsOpen_NoDescriptorIsKept) {
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = descriptors();
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(opened("other"), JETON_NOT_FOUND);
  EXPECT_EQ(descriptors(), before);
}

TEST_F(Opener, EveryStatus_HasItsOwnTextAndName) {
  std::set<std::string> texts;
  std::set<std::string> names;
  for (int code = 0; code <= JETON_AGENT_REFUSED + 1; ++code) {
    texts.insert(jeton_status_text(static_cast<jeton_status>(code)));
    names.insert(jeton_status_name(static_cast<jeton_status>(code)));
  }
  EXPECT_EQ(texts.size(), 26U);  // 25 of them, and "unknown status" for what is none
  EXPECT_EQ(names.size(), texts.size());
}

}  // namespace
}  // namespace jeton::test
