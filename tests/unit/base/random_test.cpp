#include "agent/base/random.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>

#include "tests/support/no_system_calls.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t drawn_size = 16;
constexpr int draws_of_several_pages = 1000;

// More than a page, in draws of odd sizes too.
TEST(OsRandom, ManyDraws_AreAllDifferent) {
  OsRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < draws_of_several_pages; ++i) {
    const std::size_t size = drawn_size + static_cast<std::size_t>(i % 7);
    EXPECT_TRUE(seen.insert(random.hex(size).substr(0, 2 * drawn_size)).second) << "draw " << i;
  }
}

TEST(OsRandom, DrawIsLargerThanTheBuffer_IsFilledWholly) {
  OsRandom random;
  std::array<std::byte, 10'000> bytes{};
  random.fill(bytes);
  // Of 10,000 random bytes some 39 are zero.
  std::size_t zeros = 0;
  for (const std::byte b : bytes) zeros += b == std::byte{0} ? 1 : 0;
  EXPECT_LT(zeros, 1000U);
}

// The parent's buffer has bytes left when it forks.
TEST(OsRandom, Forked_ChildAndParentDrawDifferentBytes) {
  OsRandom random;
  const std::string of_the_first_page = random.hex(drawn_size);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string drawn = random.hex(drawn_size);
    ::_exit(::write(ends[1], drawn.data(), drawn.size()) == static_cast<ssize_t>(drawn.size()) ? 0 : 1);
  }
  std::string of_child(2 * drawn_size, ' ');
  EXPECT_EQ(::read(ends[0], of_child.data(), of_child.size()), static_cast<ssize_t>(of_child.size()));
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(of_child, of_the_first_page);
  EXPECT_NE(random.hex(drawn_size), of_child);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(OsRandom, BytesAreLeft_DrawMakesNoSystemCall) {
  constexpr int no_seccomp = 100;
  const pid_t child = ::fork();
  if (child == 0) {
    OsRandom random;
    std::array<std::byte, drawn_size> bytes{};
    random.fill(bytes);
    if (!test::forbid_system_calls()) ::syscall(SYS_exit_group, no_seccomp);
    for (int i = 0; i < 100; ++i) random.fill(bytes);
    ::syscall(SYS_exit_group, 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == no_seccomp) GTEST_SKIP() << "this kernel has no seccomp filters";
  EXPECT_TRUE(WIFEXITED(status)) << "killed by a system call";
}

}  // namespace
}  // namespace jeton::agent
