#include "agent/api/server/connection_room.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace jeton::agent {
namespace {

using std::chrono::seconds;

class FakeConnection final : public Connection {
 public:
  FakeConnection(uid_t user, std::optional<BootTime> since) : since_(since) { peer_.uid = user; }
  void close() override { closed = true; }
  [[nodiscard]] const Peer& peer() const override { return peer_; }
  [[nodiscard]] std::optional<BootTime> waits_since() override { return since_; }

  bool closed = false;

 private:
  Peer peer_;
  std::optional<BootTime> since_;
};

struct Room : testing::Test {
  std::shared_ptr<FakeConnection> enter(uid_t user, std::optional<int> since_s) {
    std::optional<BootTime> since;
    if (since_s) since = BootTime{} + seconds(*since_s);
    auto connection = std::make_shared<FakeConnection>(user, since);
    room.add(connection);
    return connection;
  }

  static constexpr std::nullopt_t busy = std::nullopt;
  ConnectionRoom room{8, 4};
};

TEST_F(Room, HasRoom_ClosesNothing) {
  const auto idle = enter(1, 10);
  EXPECT_TRUE(room.make_room(1));
  EXPECT_FALSE(idle->closed);
  EXPECT_EQ(room.size(), 1U);
}

TEST_F(Room, UserHasItsShare_ItsOwnLongestWaitingGivesWay) {
  const auto of_another = enter(2, 1);
  const auto later = enter(1, 20);
  const auto longest = enter(1, 10);
  const auto working = enter(1, busy);
  const auto last = enter(1, 30);
  EXPECT_FALSE(room.has_room(1));
  EXPECT_TRUE(room.make_room(1));
  EXPECT_TRUE(longest->closed);
  EXPECT_FALSE(of_another->closed || later->closed || working->closed || last->closed);
  EXPECT_TRUE(room.has_room(1));
}

TEST_F(Room, IsFull_TheLongestWaitingOfTheUserWithTheMostGivesWay) {
  const auto of_one_with_one = enter(3, 1);
  std::vector<std::shared_ptr<FakeConnection>> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(enter(1, 10 - i));
  for (int i = 0; i < 3; ++i) enter(2, 2);
  EXPECT_TRUE(room.make_room(4));
  EXPECT_TRUE(crowd[3]->closed);
  EXPECT_FALSE(of_one_with_one->closed) << "though it waited longer";
  EXPECT_EQ(room.size(), 7U);
}

TEST_F(Room, IsFullAndTheUserWithTheMostIsBusy_AnotherGivesWay) {
  for (int i = 0; i < 4; ++i) enter(1, busy);
  for (int i = 0; i < 3; ++i) enter(2, busy);
  const auto idle = enter(3, 5);
  EXPECT_TRUE(room.make_room(4));
  EXPECT_TRUE(idle->closed);
}

TEST_F(Room, EveryOneIsBusy_HasNoRoom) {
  for (uid_t user = 1; user <= 8; ++user) enter(user, busy);
  EXPECT_FALSE(room.make_room(9));
  EXPECT_EQ(room.size(), 8U);
}

TEST_F(Room, ThreeQuartersAreBusy_NoOtherMayBe) {
  for (uid_t user = 1; user <= 6; ++user) enter(user, busy);
  EXPECT_TRUE(room.may_be_busy());
  enter(7, busy);
  EXPECT_FALSE(room.may_be_busy());
}

TEST_F(Room, ConnectionLeaves_IsForgotten) {
  std::vector<std::shared_ptr<FakeConnection>> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(enter(1, busy));
  EXPECT_EQ(room.remove(crowd[0].get()), crowd[0]);
  EXPECT_EQ(room.remove(crowd[0].get()), nullptr);
  EXPECT_FALSE(room.contains(crowd[0].get()));
  EXPECT_TRUE(room.has_room(1));
}

}  // namespace
}  // namespace jeton::agent
