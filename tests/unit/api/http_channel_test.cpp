#include "agent/api/server/http_channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

TEST(HttpChannel, RoomIsWaitedForAgain_NewestIsCalledBack) {
  test::Loop loop;
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  UniqueFd own(pair[0]);
  const UniqueFd peer(pair[1]);
  std::string block(4096, 'x');
  while (::send(own.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) continue;
  const auto channel = HttpChannel::open(loop.timers.executor(), std::move(own), loop.timers, ApiLimits{}, [] {});
  std::vector<int> called;
  for (const int n : {1, 2}) channel->when_room([&called, n] { called.push_back(n); });
  EXPECT_FALSE(channel->has_room());
  while (::recv(peer.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) continue;
  EXPECT_TRUE(loop.turn_until([&] { return !called.empty(); }));
  channel->when_room([&] { called.push_back(3); });
  EXPECT_TRUE(loop.turn_until([&] { return called.size() > 1; }));
  EXPECT_THAT(called, testing::ElementsAre(2, 3));
  channel->close();
}

}  // namespace
}  // namespace jeton::agent
