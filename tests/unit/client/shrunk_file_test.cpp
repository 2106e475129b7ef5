// The promises for a segment's file that is made shorter (jeton.h, "The file"): the agent never does it, an opener
// reports it, and a process that has the file mapped gets SIGBUS, for which the library installs no handler.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/segment/child.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using ShrunkFile = ClientTest;

TEST_F(ShrunkFile, AgentPublishesReplacesAndRetires_OldFileKeepsItsSize) {
  make_store(64 * 1024);
  const int fd = ::open(file().c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = [&] {
    struct stat found = {};
    return ::fstat(fd, &found) == 0 ? found.st_size : -1;
  };
  const off_t before = size();
  ASSERT_GT(before, 64 * 1024);
  publish(1);
  store->mark_rejected();
  store->mark_expired();
  EXPECT_EQ(size(), before);
  store->reconfigure(1024, {}, wall_now());  // the new file is smaller, the old one keeps its size
  EXPECT_EQ(size(), before);
  EXPECT_LT(static_cast<off_t>(std::filesystem::file_size(file())), before);
  ::close(fd);

  const int smaller = ::open(file().c_str(), O_RDONLY | O_CLOEXEC);
  const auto smaller_size = std::filesystem::file_size(file());
  store->retire();
  struct stat found = {};
  EXPECT_EQ(::fstat(smaller, &found), 0);
  EXPECT_EQ(static_cast<std::uintmax_t>(found.st_size), smaller_size);
  EXPECT_EQ(found.st_nlink, 0U);
  ::close(smaller);
}

TEST_F(ShrunkFile, FileIsShrunk_IsRefusedAndReplacedByTheNextAgent) {
  make_store();
  publish(1);
  store.reset();
  std::filesystem::resize_file(file(), 512);
  jeton_token* token = nullptr;
  EXPECT_EQ(open(&token), JETON_TRUNCATED);
  jeton_diagnosis diagnosis = JETON_DIAGNOSIS_INIT;
  const std::string path = directory();
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = path.c_str();
  ASSERT_EQ(jeton_diagnose(&options, "api", &diagnosis), JETON_OK);
  EXPECT_EQ(diagnosis.token, JETON_TRUNCATED);
  make_store();
  publish(2, "two");
  EXPECT_EQ(read(must_open()), "two");
}

TEST_F(ShrunkFile, FileIsShrunkWhileMapped_ReadRaisesSigbus) {
  const auto read_after_truncation = [&](void (*handler)(int)) {
    make_store(64 * 1024);
    publish(1);
    store.reset();  // it would get the same signal
    Child child([&, handler](int) {
      const TokenPtr token = must_open();
      ::signal(SIGBUS, handler);
      if (::truncate(file().c_str(), 0) != 0) return 1;
      return read(token).empty() ? 2 : 3;
    });
    return child.wait();
  };
  EXPECT_EQ(read_after_truncation([](int) { ::_exit(42); }), 42);
  EXPECT_EQ(read_after_truncation(SIG_DFL), 128 + SIGBUS);
}

}  // namespace
}  // namespace jeton::test
