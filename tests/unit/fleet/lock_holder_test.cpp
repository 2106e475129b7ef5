#include "agent/fleet/lock_holder.hpp"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

TEST(LockHolder, WrittenAndRead_IsTheSame) {
  for (const LockHolder& holder :
       {LockHolder{"host-1", 1000, 4711}, LockHolder{"", 0, 0}, LockHolder{"a host uid 7 pid 8", 4294967294U, 1}}) {
    EXPECT_EQ(parse_lock_holder(lock_holder_text(holder)), holder) << lock_holder_text(holder);
  }
  EXPECT_EQ(lock_holder_text(LockHolder{"host-1", 1000, 4711}), "host-1 uid 1000 pid 4711");
}

TEST(LockHolder, TextOfAnotherKind_IsNone) {
  for (const char* text : {"", "host-1", "host-1 uid 1000", "host-1 uid 1000 pid ", "host-1 uid x pid 1",
                           "host-1 uid 1000 pid 1 ", "host-1 pid 1 uid 1000", "host-1 uid 1000 pid 99999999999"}) {
    EXPECT_FALSE(parse_lock_holder(text)) << text;
  }
  EXPECT_FALSE(parse_lock_holder(std::string(5000, 'h').append(" uid 1 pid 2")))
      << "it would not fit into a line of news";
}

TEST(LockHolder, SameNumberOnAnotherHost_IsAnotherUser) {
  const LockHolder one{"host-1", 1000, 1};
  EXPECT_TRUE(is_same_user(one, LockHolder{"host-1", 1000, 2}));
  EXPECT_FALSE(is_same_user(one, LockHolder{"host-2", 1000, 1}));
  EXPECT_FALSE(is_same_user(one, LockHolder{"host-1", 1001, 1}));
  EXPECT_FALSE(is_same_user(one, std::nullopt));
  EXPECT_FALSE(is_same_user(std::nullopt, std::nullopt)) << "of clients of another kind nobody is the user";
}

TEST(LockHolder, OfAnotherKind_IsShownByTheBeginningOfItsOwnerId) {
  EXPECT_EQ(holder_text({}, "0123456789abcdef"), "01234567...");
  EXPECT_EQ(holder_text({LockHolder{"host-1", 0, 9}, "", Milliseconds{75'400}}, "0123456789abcdef"),
            "host-1 uid 0 pid 9, for 75s by now");
}

}  // namespace
}  // namespace jeton::agent
