#include "agent/fleet/redis/client/command.hpp"

#include <gtest/gtest.h>

namespace jeton::agent::redis {
namespace {

using namespace std::string_view_literals;

TEST(Command, ArgumentsAreText_IsFormattedWithLengths) {
  EXPECT_EQ(Command({"GET", "a b\r\n"}).wire(), "*2\r\n$3\r\nGET\r\n$5\r\na b\r\n\r\n");
}

TEST(Command, ArgumentIsEmptyOrBinary_IsCarriedUnchanged) {
  EXPECT_EQ(Command({"SET", "k", std::string_view("\0\xff", 2), {}}).wire(),
            "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\0\xff\r\n$0\r\n\r\n"sv);
}

TEST(Script, ScriptIsCreated_KnowsItsSha1) {
  EXPECT_EQ(Script("return 1").sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

}  // namespace
}  // namespace jeton::agent::redis
