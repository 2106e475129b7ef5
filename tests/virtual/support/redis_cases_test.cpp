// The memory server answers as a real one (tests/integration/backends/redis_cases_test.cpp has the same cases).
#include "tests/virtual/support/redis_cases.hpp"

#include <gtest/gtest.h>

#include "tests/support/memory_redis/memory_server.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {
namespace {

class MemoryRedisAnswer : public testing::TestWithParam<RedisCase> {};

INSTANTIATE_TEST_SUITE_P(All, MemoryRedisAnswer, testing::ValuesIn(redis_cases()),
                         [](const auto& c) { return std::string(c.param.name); });

TEST_P(MemoryRedisAnswer, Asked_IsThatOfRedis) {
  VirtualLoop loop;
  MemoryServer server(loop.timers, loop.random);
  for (const auto& command : GetParam().before) server.cli(command);
  EXPECT_EQ(plain(server.cli(GetParam().command)), GetParam().answer);
}

}  // namespace
}  // namespace jeton::test
