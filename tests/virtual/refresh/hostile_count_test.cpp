// Wrong counts of fetches, by another client or by a server whose clock went back: they delay the next fetch by no more
// than the configured interval or window.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* counts_key = "jeton:{api}:budget";

struct ForgedCount {
  const char* name;
  MemoryServer::Words fields;
};

class HostileCount : public testing::TestWithParam<std::tuple<std::size_t, ForgedCount>> {
 protected:
  static FleetSettings settings() {
    return {.agents = 2, .servers = std::get<0>(GetParam()), .budget = {.calls = 10, .per = hours(1)}};
  }
  VirtualFleet fleet{settings()};
};

TEST_P(HostileCount, IsWrittenWithoutAnExpiry_IsOverWithTheWindow) {
  fleet.start_all();
  fleet.pass(seconds(5));
  const agent::Generation first = fleet.stored_generation();
  const std::uint64_t calls = fleet.provider.calls;
  fleet.server().cli({"DEL", counts_key});
  MemoryServer::Words write{"HSET", counts_key};
  for (const std::string& word : std::get<1>(GetParam()).fields) write.push_back(word);
  fleet.server().cli(write);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_above(first); }, hours(1) + minutes(10)));
  EXPECT_EQ(fleet.provider.calls, calls + 1);
  fleet.pass(hours(1));
  EXPECT_TRUE(fleet.all_valid()) << "also from then on";
}

INSTANTIATE_TEST_SUITE_P(
    Each, HostileCount,
    testing::Combine(testing::Values(1, 3),
                     testing::Values(ForgedCount{"Calls", {"calls", "1000000"}},
                                     ForgedCount{"CallsBeyondAllNumbers", {"calls", "1e300", "window_start_ms", "1"}},
                                     ForgedCount{"WindowOfTheFuture",
                                                 {"calls", "10", "window_start_ms", "99999999999999"}},
                                     ForgedCount{"WindowIsNoNumber", {"calls", "10", "window_start_ms", "nan"}},
                                     ForgedCount{"CallsAreNoNumber", {"calls", "nan", "window_start_ms", "inf"}},
                                     ForgedCount{"LastFetchInTheFuture", {"last_ms", "99999999999999"}},
                                     ForgedCount{"LastFetchIsEndless", {"last_ms", "inf"}})),
    [](const auto& each) {
      return std::string(std::get<1>(each.param).name) +
             (std::get<0>(each.param) == 1 ? "OnOneServer" : "OnOneOfThree");
    });

// "Ends at the next check": it must not keep the hosts of a quorum from hearing each other after that.
TEST(HostileUsage, IsForgedOnAServerOfAQuorum_LaterCountsAreHeard) {
  FleetSettings settings{.agents = 2, .servers = 3, .budget = {.calls = 10, .per = hours(1)}};
  settings.refresh.min_interval = std::chrono::milliseconds(10);
  VirtualFleet fleet(settings);
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.server(0).cli({"PUBLISH", "jeton:{api}:published", R"({"type":"usage","calls":9,"ttl_ms":604800000})"});
  fleet.pass(minutes(1));
  ASSERT_TRUE(fleet.all([](const agent::TokenStatus& s) { return s.calls_used == 1; }));
  const agent::Generation first = fleet.segments[1].generation();
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(first); }));
  fleet.pass(seconds(1));
  EXPECT_TRUE(fleet.all([](const agent::TokenStatus& s) { return s.calls_used == 2; }));
}

// Without CLIENT TRACKING: a look finds what is lost.
TEST(LostAgain, WhileItIsGivenBack_RecordAndCountComeBackBoth) {
  VirtualFleet fleet{{.agents = 1, .budget = {.calls = 10, .per = hours(1)}}};
  fleet.server().refuse("CLIENT", "ERR unknown command 'CLIENT'");
  fleet.start_all();
  fleet.pass(seconds(5));
  const agent::Generation first = fleet.stored_generation();
  const auto stored = [&](const std::string& key) { return fleet.server().cli({"EXISTS", key}) == "1"; };
  fleet.server().cli({"FLUSHALL"});
  ASSERT_TRUE(fleet.until([&] { return stored(token_key_of_api) || stored(counts_key); }, minutes(2)));
  fleet.server().cli({"FLUSHALL"});
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.stored_generation(), first);
  EXPECT_EQ(fleet.server().cli({"HGET", counts_key, "calls"}), "1");
  EXPECT_EQ(fleet.provider.calls, 1U);
}

}  // namespace
}  // namespace jeton::test
