#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;

struct TurnsTest : testing::Test {
  using Turn = std::shared_ptr<Turns::Turn>;

  // Those that still wait write into this fixture.
  void TearDown() override {
    for (settle(); held; settle()) held.reset();
  }

  BootTime later() { return loop.clock.boot_now() + hours(1); }
  Turn take(const std::string& key) { return loop.run(turns.wait(key, later())); }
  // Its name is in `come` when its turn has come; it keeps the turn in `held`.
  void queue(const std::string& name, const std::string& key = "a",
             boost::asio::cancellation_signal* cancel = nullptr) {
    const auto done = [this, name](const std::exception_ptr& e, Turn turn) {
      come.push_back(e ? name + " cancelled" : name);
      held = std::move(turn);
    };
    boost::asio::cancellation_slot slot;
    if (cancel != nullptr) slot = cancel->slot();
    boost::asio::co_spawn(loop.context, turns.wait(key, later()), boost::asio::bind_cancellation_slot(slot, done));
    settle();
  }
  void settle() {
    loop.context.restart();
    loop.context.poll();
  }

  test::Loop loop;
  Turns turns{loop.timers};
  std::vector<std::string> come;
  Turn held;
};

TEST_F(TurnsTest, TurnOfAFreeKey_ComesAtOnce) {
  const Turn a = take("a");
  EXPECT_TRUE(a);
  EXPECT_TRUE(take("b"));
}

TEST_F(TurnsTest, TurnsOfOneKey_ComeInTheOrderOfArrival) {
  Turn first = take("a");
  queue("second");
  queue("third");
  EXPECT_TRUE(come.empty());
  first.reset();
  settle();
  EXPECT_EQ(come, std::vector<std::string>{"second"});
  held.reset();
  settle();
  EXPECT_EQ(come, (std::vector<std::string>{"second", "third"}));
}

TEST_F(TurnsTest, ArrivalWhileTheNextIsWoken_DoesNotOvertake) {
  Turn first = take("a");
  queue("second");
  first.reset();  // "second" is woken, and has not run yet
  queue("third");
  EXPECT_EQ(come, std::vector<std::string>{"second"});
}

TEST_F(TurnsTest, DeadlineBeforeTheTurn_GivesNoneAndLeavesThePlace) {
  Turn first = take("a");
  EXPECT_FALSE(loop.run(turns.wait("a", BootTime{})));
  queue("second");
  first.reset();
  settle();
  EXPECT_EQ(come, std::vector<std::string>{"second"});
}

TEST_F(TurnsTest, CancelledWaiter_LeavesItsPlace) {
  Turn first = take("a");
  boost::asio::cancellation_signal cancel;
  queue("second", "a", &cancel);
  queue("third");
  cancel.emit(boost::asio::cancellation_type::terminal);
  settle();
  EXPECT_EQ(come, std::vector<std::string>{"second cancelled"});
  first.reset();
  settle();
  EXPECT_EQ(come.back(), "third");
}

struct PlacesTest : TurnsTest {
  using Place = std::shared_ptr<Places::Place>;

  Place take() { return loop.run(places.wait(later())); }
  void queue_for_place(const std::string& name, boost::asio::cancellation_signal* cancel = nullptr) {
    const auto done = [this, name](const std::exception_ptr& e, Place place) {
      come.push_back(e ? name + " cancelled" : name);
      if (place) taken.push_back(std::move(place));
    };
    boost::asio::cancellation_slot slot;
    if (cancel != nullptr) slot = cancel->slot();
    boost::asio::co_spawn(loop.context, places.wait(later()), boost::asio::bind_cancellation_slot(slot, done));
    settle();
  }
  void TearDown() override {
    for (settle(); !taken.empty(); settle()) taken.clear();
  }

  Places places{loop.timers, 2};
  std::vector<Place> taken;
};

TEST_F(PlacesTest, PlacesAreTaken_OthersWaitInTheOrderOfArrival) {
  Place first = take();
  Place second = take();
  queue_for_place("third");
  queue_for_place("fourth");
  EXPECT_TRUE(come.empty());
  first.reset();
  settle();
  EXPECT_EQ(come, std::vector<std::string>{"third"});
  second.reset();
  settle();
  EXPECT_EQ(come, (std::vector<std::string>{"third", "fourth"}));
  taken.clear();
  EXPECT_TRUE(take());
}

TEST_F(PlacesTest, NoPlaceIsFreeInTime_IsNull) {
  const Place first = take();
  const Place second = take();
  EXPECT_FALSE(loop.run(places.wait(loop.clock.boot_now())));
}

TEST_F(PlacesTest, OneThatWaitsIsCancelled_NextOneHasThePlace) {
  Place first = take();
  const Place second = take();
  boost::asio::cancellation_signal cancel;
  queue_for_place("third", &cancel);
  queue_for_place("fourth");
  cancel.emit(boost::asio::cancellation_type::terminal);
  settle();
  first.reset();
  settle();
  EXPECT_EQ(come, (std::vector<std::string>{"third cancelled", "fourth"}));
}

}  // namespace
}  // namespace jeton::agent
