// Names are looked up on threads of their own.
#include "agent/fleet/redis/client/name_lookups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Names that begin with "hangs" are answered after release() only.
class Names {
 public:
  ~Names() { release(); }
  NameLookups::Lookup lookup() {
    return [state = state_](const std::string& host) {
      std::unique_lock lock(state->mutex);
      ++state->lookups;
      state->changed.wait(lock, [&] { return state->released || !host.starts_with("hangs"); });
      if (host == "nobody") return NameLookups::Answer{{}, "no such name"};
      return NameLookups::Answer{{"10.0.0.1", "10.0.0.2"}, {}};
    };
  }
  void release() {
    const std::lock_guard lock(state_->mutex);
    state_->released = true;
    state_->changed.notify_all();
  }
  [[nodiscard]] int lookups() const {
    const std::lock_guard lock(state_->mutex);
    return state_->lookups;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool released = false;
    int lookups = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // shared with threads that are left behind
};

class NameLookupsTest : public testing::Test {
 protected:
  std::vector<std::string> resolve(NameLookups& lookups, const std::string& host, Duration limit = test::patience) {
    return loop.run(lookups.resolve(loop.timers, host, test::soon(loop, limit), attempt));
  }
  std::string failure(NameLookups& lookups, const std::string& host, Duration limit) {
    try {
      resolve(lookups, host, limit);
    } catch (const TransportError& e) {
      return e.what();
    }
    ADD_FAILURE() << "it was resolved";
    return {};
  }

  test::Loop loop;
  Names names;
  ConnectAttempt attempt;
};

TEST_F(NameLookupsTest, OneNameHangs_OthersAreResolved) {
  NameLookups lookups(names.lookup());
  EXPECT_EQ(failure(lookups, "hangs", 20ms), "the name was not resolved in time");
  EXPECT_THAT(resolve(lookups, "another"), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(failure(lookups, "hangs", 20ms), "the name was not resolved in time");
  // Each is counted by its thread.
  EXPECT_TRUE(test::eventually([&] { return names.lookups() >= 2; }));
  EXPECT_EQ(names.lookups(), 2) << "a name that hangs is asked for once";
  names.release();
  EXPECT_THAT(resolve(lookups, "hangs"), ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(NameLookupsTest, NameHangsForLong_IsAskedForAgain) {
  NameLookups lookups(names.lookup(), Duration{0});
  failure(lookups, "hangs", 20ms);
  failure(lookups, "hangs", 20ms);
  EXPECT_TRUE(test::eventually([&] { return names.lookups() == 2; }));
}

TEST_F(NameLookupsTest, ManyNamesHang_TheNextIsRefusedAndSaysWhy) {
  NameLookups lookups(names.lookup());
  for (std::size_t i = 0; i < NameLookups::max_threads; ++i) failure(lookups, "hangs" + std::to_string(i), 1ms);
  EXPECT_THAT(failure(lookups, "another", test::patience), HasSubstr("too many lookups hang"));
  names.release();
  EXPECT_TRUE(loop.turn_until([&] {
    try {
      return !resolve(lookups, "another").empty();
    } catch (const TransportError&) {
      return false;
    }
  }));
}

TEST_F(NameLookupsTest, NameDoesNotExist_SaysWhy) {
  NameLookups lookups(names.lookup());
  EXPECT_EQ(failure(lookups, "nobody", test::patience), "the name cannot be resolved: no such name");
}

TEST_F(NameLookupsTest, AttemptIsBrokenOff_EndsAtOnce) {
  NameLookups lookups(names.lookup());
  loop.timers.schedule(test::soon(loop, 10ms), [&] { attempt.cancel(); });
  EXPECT_NE(failure(lookups, "hangs", test::patience), "");
}

TEST_F(NameLookupsTest, SystemIsAsked_KnowsThisHost) {
  const auto found = loop.run(resolve_name(loop.timers, "localhost", test::soon(loop), attempt));
  EXPECT_THAT(found, testing::Contains("127.0.0.1"));
}

}  // namespace
}  // namespace jeton::agent::redis
