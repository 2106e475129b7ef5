// A quorum whose servers lost their data, or have something that nobody can read.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using test::RedlockHost;
using test::token_key;

constexpr const char* budget_key = "jeton:{t}:budget";

class RedlockLoss : public test::VirtualRedlock {
 protected:
  Record publish(RedlockHost& host) {
    const Lease lease = host.call.acquire(1h);
    Record record = make_record(loop, lease.fence, "x");
    EXPECT_TRUE(host.call.publish(record, lease).stored);
    EXPECT_TRUE(loop.eventually([&] { return have(record.generation) == servers.size(); }));
    return record;
  }
  [[nodiscard]] std::size_t have(Generation generation) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      found += servers[i].cli({"HGET", token_key, "generation"}) == std::to_string(generation) ? 1 : 0;
    }
    return found;
  }
  // Both servers that are not among `damaged` (three) are killed: only those can tell.
  std::optional<Record> load_from(const test::Indices& damaged) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (std::find(damaged.begin(), damaged.end(), i) == damaged.end()) servers[i].kill();
    }
    RedlockHost fresh(loop, servers.options());
    return fresh.call.load();
  }
  // The lock is another's on those that kept their data, so that the majority is made of those that lost it.
  Admission admit_on_all_but(const test::Indices& kept, RedlockHost& host, const FetchLimits& allowed) {
    servers.hold_elsewhere(kept);
    const Lease lease = host.call.acquire(1h);
    Admission admission = host.call.admit(lease, allowed);
    host.call.release(lease);
    return admission;
  }

  const test::Indices majority{0, 1, 2};
  const test::Indices minority{3, 4};
  const FetchLimits limits{{}, 3, 24h};
};

TEST_F(RedlockLoss, MajorityLostTheCount_HostThatKnowsItRestoresIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  EXPECT_EQ(admit_on_all_but({}, host, limits).calls_used, 1U);
  EXPECT_EQ(admit_on_all_but({}, host, limits).calls_used, 2U);
  const std::string name = "t";
  const FetchUsage known = loop.run(host.coordinator.usage(name));
  EXPECT_EQ(known.calls, 2U);
  for (const std::size_t i : majority) servers[i].cli({"FLUSHALL"});
  loop.run(host.coordinator.restore_usage(name, known, {.budget_window = 24h}));
  for (const std::size_t i : majority) {
    EXPECT_TRUE(loop.eventually([&] { return servers[i].cli({"HGET", budget_key, "calls"}) == "2"; }));
    EXPECT_GT(std::stoll(servers[i].cli({"PTTL", budget_key})), 23 * 3'600'000);
  }
  EXPECT_EQ(admit_on_all_but(minority, host, limits).calls_used, 3U);
  const Admission refused = admit_on_all_but(minority, host, limits);
  EXPECT_FALSE(refused.admitted());
  EXPECT_EQ(refused.refusal, FetchRefusal::budget);
}

TEST_F(RedlockLoss, OneServerKnowsTheCount_ItIsBelieved) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease lease = hold_everywhere(host);  // a server without it counts no call
  EXPECT_EQ(host.call.admit(lease, limits).calls_used, 1U);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(loop.eventually([&] { return servers[i].cli({"HGET", budget_key, "calls"}) == "1"; }));
  }
  for (const std::size_t i : {0U, 1U, 2U, 3U}) servers[i].cli({"FLUSHALL"});
  const std::string name = "t";
  for (int i = 0; i < 20; ++i) {
    const FetchUsage usage = loop.run(host.coordinator.usage(name));
    EXPECT_EQ(usage.calls, 1U);
  }
}

TEST_F(RedlockLoss, SomeServersHaveAPause_OthersLackItUnlessItWasLiftedThere) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const std::string name = "t";
  const auto usage = [&] { return loop.run(host.coordinator.usage(name)); };
  host.call.pause(1h, "401");
  EXPECT_TRUE(loop.eventually([&] { return usage().paused && !usage().partly_paused; }));
  servers[0].cli({"FLUSHALL"});
  EXPECT_TRUE(usage().partly_paused);
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    servers[i].cli({"DEL", "jeton:{t}:pause"});
    servers[i].cli({"SET", "jeton:{t}:resume", "operator", "PX", "604800000"});
  }
  const FetchUsage lifted = usage();
  EXPECT_TRUE(lifted.paused);
  EXPECT_FALSE(lifted.partly_paused);
  EXPECT_TRUE(lifted.resumed);
}

TEST_F(RedlockLoss, RestoredCountIsLower_IsNotTaken) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  EXPECT_EQ(admit_on_all_but({}, host, limits).calls_used, 1U);
  EXPECT_EQ(admit_on_all_but({}, host, limits).calls_used, 2U);
  FetchUsage late;
  late.calls = 1;
  late.window_end = loop.clock.boot_now() + 23h;
  const std::string name = "t";
  loop.run(host.coordinator.restore_usage(name, late, {.budget_window = 24h}));
  EXPECT_EQ(admit_on_all_but({}, host, limits).calls_used, 3U);
}

TEST_F(RedlockLoss, FetchIsCounted_FleetHearsTheCount) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  b.listen();
  EXPECT_TRUE(loop.eventually([&] { return b.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  EXPECT_TRUE(admit_on_all_but({}, a, limits).admitted());
  EXPECT_TRUE(admit_on_all_but({}, a, limits).admitted());
  ASSERT_TRUE(loop.eventually([&] { return !b.listener.usages.empty() && b.listener.usages.back().calls == 2; }));
  EXPECT_GT(b.listener.usages.back().window_end, loop.clock.boot_now() + 23h);
}

TEST_F(RedlockLoss, ServerIsFlushedOrComesBackEmpty_IsTold) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  host.listen();
  const Record record = publish(host);
  const auto pass_the_publication = [&] { loop.pass(1500ms); };  // a change before that is taken for its own
  // As a host does that hears of a loss.
  const auto give_back = [&] {
    host.call.publish(record, Lease{});
    EXPECT_TRUE(loop.eventually([&] { return have(record.generation) == servers.size(); }));
    pass_the_publication();
  };
  pass_the_publication();
  const int before = host.listener.losses;
  servers[1].cli({"FLUSHALL"});
  EXPECT_TRUE(loop.eventually([&] { return host.listener.losses > before; }));
  give_back();
  for (const std::size_t i : {2U, 3U}) {
    const int gaps = host.listener.gaps;
    servers[i].restart();
    EXPECT_TRUE(loop.eventually([&] { return host.listener.gaps > gaps; }));
    EXPECT_TRUE(loop.eventually([&] { return host.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
    // What a host does then: the others know the record, so this must be said apart from the answer.
    const int losses = host.listener.losses;
    EXPECT_TRUE(host.call.load());
    EXPECT_TRUE(loop.eventually([&] { return host.listener.losses > losses; }));
    give_back();
  }
}

TEST_F(RedlockLoss, RecordIsGivenBack_OthersHearIt) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  b.warm_up();
  b.listen();
  const Record record = publish(a);
  EXPECT_TRUE(loop.eventually([&] { return !b.listener.records.empty(); }));
  loop.pass(100ms);
  const auto heard = b.listener.records.size();
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].cli({"FLUSHALL"});
  EXPECT_TRUE(loop.eventually([&] { return b.listener.losses > 0; }));
  EXPECT_TRUE(a.call.publish(record, Lease{}).stored);
  EXPECT_TRUE(loop.eventually([&] { return b.listener.records.size() > heard; }));
  EXPECT_EQ(b.listener.records.back().generation, record.generation);
}

TEST_F(RedlockLoss, MajorityIsUnreadable_HostWithTheTokenReplacesIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Record record = publish(host);
  for (const std::size_t i : majority) servers[i].cli({"HSET", token_key, "record", "garbage"});
  EXPECT_TRUE(host.call.publish(record, Lease{}).stored) << "a repair";
  for (const std::size_t i : majority) {
    EXPECT_TRUE(loop.eventually([&] { return servers[i].cli({"HGET", token_key, "record"}) != "garbage"; }));
  }
  const auto loaded = load_from(majority);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->value, SecretString("x"));
}

TEST_F(RedlockLoss, OneServerIsUnreadable_ReaderReplacesIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  host.listen();
  publish(host);
  servers[2].cli({"HSET", token_key, "record", "garbage"});
  EXPECT_TRUE(loop.eventually([&] {
    EXPECT_TRUE(host.call.load());
    return servers[2].cli({"HGET", token_key, "record"}) != "garbage";
  }));
}

TEST_F(RedlockLoss, UnreadableGenerationIsHigh_TokenIsNotBlocked) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  publish(host);
  const std::string high = "4500000000000000";
  for (const std::size_t i : majority) servers[i].cli({"HSET", token_key, "generation", high, "record", "garbage"});
  // Further ahead than a fence can be.
  servers[3].cli({"HSET", token_key, "generation", "9007199254740991", "record", "garbage"});
  const Record record = publish(host);
  EXPECT_GT(record.generation, std::stoull(high));
  const auto loaded = load_from(majority);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->generation, record.generation);
}

TEST_F(RedlockLoss, SealKeyIsGone_TokenIsNotBlocked) {
  const auto sealed_with_a_new_key = [&] {
    auto options = servers.options();
    options.codec = FleetCodec(std::make_shared<const Seal>(std::vector{Seal::new_key()}));
    return options;
  };
  RedlockHost old(loop, sealed_with_a_new_key());
  old.warm_up();
  const Record before = publish(old);
  RedlockHost host(loop, sealed_with_a_new_key());
  host.warm_up();
  EXPECT_FALSE(host.call.load());
  EXPECT_TRUE(host.call.publish(before, Lease{}).stored) << "it has the token from before, in its segment";
  EXPECT_TRUE(loop.eventually([&] { return host.call.load().has_value(); }));
  const Record after = publish(host);
  EXPECT_GT(after.generation, before.generation);
  EXPECT_EQ(host.call.load()->generation, after.generation);
}

}  // namespace
}  // namespace jeton::agent
