// A real server answers as the memory server does (tests/virtual/support/redis_cases_test.cpp has the same cases).
#include "tests/virtual/support/redis_cases.hpp"

#include <gtest/gtest.h>

#include "tests/support/redis_server.hpp"

namespace jeton::test {
namespace {

TEST(RedisAnswer, Asked_IsThatOfTheMemoryServer) {
  const RedisServer server;
  for (const RedisCase& c : redis_cases()) {
    SCOPED_TRACE(c.name);
    server.cli({"FLUSHALL"});
    for (const auto& command : c.before) server.cli(command);
    EXPECT_EQ(plain(server.cli(c.command)), c.answer);
  }
}

}  // namespace
}  // namespace jeton::test
