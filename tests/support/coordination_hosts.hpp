// Helpers of the coordination tests, in real and in virtual time: a record, a listener that remembers, hosts.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/support/test_loop.hpp"

namespace jeton::test {

[[nodiscard]] inline agent::Record make_record(const TestLoop& loop, agent::Generation generation,
                                               const std::string& value,
                                               agent::Milliseconds lifetime = std::chrono::hours(1)) {
  agent::Record record;
  record.generation = generation;
  record.value = agent::SecretString(value);
  record.type = "Bearer";
  record.issued_at = loop.clock.wall_now();
  record.expires_at = record.issued_at + lifetime;
  record.fetched_by = "test";
  return record;
}

class RecordingListener final : public agent::FleetListener {
 public:
  void hear(agent::FleetEvent event) override {
    std::visit([this](auto& one) { note(std::move(one)); }, event);
  }

  std::vector<agent::Record> records;
  std::vector<agent::BootTime> claims;
  std::vector<agent::Pause> pauses;
  std::vector<agent::Generation> rejected;
  std::vector<agent::FetchUsage> usages;
  int releases = 0;
  int gaps = 0;
  int resumes = 0;
  int losses = 0;

 private:
  void note(agent::Record record) { records.push_back(std::move(record)); }
  void note(agent::ClaimEvent claim) { claims.push_back(claim.until); }
  void note(agent::ReleaseEvent) { ++releases; }
  void note(agent::Pause pause) { pauses.push_back(std::move(pause)); }
  void note(agent::FetchUsage usage) { usages.push_back(usage); }
  void note(const agent::UnreadableEvent&) {}
  void note(agent::RejectionEvent rejection) { rejected.push_back(rejection.generation); }
  void note(agent::ResumeEvent) { ++resumes; }
  void note(agent::GapEvent) { ++gaps; }
  void note(agent::LossEvent) { ++losses; }
};

// Calls of a coordinator, each run to its end on the loop.
class Caller {
 public:
  Caller(TestLoop& loop, agent::Coordinator& coordinator) : loop_(loop), coordinator_(coordinator) {}

  agent::AcquireResult try_acquire(agent::Duration ttl, const std::string& name = "t") {
    return loop_.run(coordinator_.try_acquire(name, ttl));
  }
  agent::Lease acquire(agent::Duration ttl, const std::string& name = "t") {
    auto result = try_acquire(ttl, name);
    if (!result.lease) throw std::runtime_error("the lock is not free");
    return *result.lease;
  }
  // Tries until the lock is free or the test's patience ends.
  agent::Lease acquire_eventually(agent::Duration ttl) {
    std::optional<agent::Lease> lease;
    if (!loop_.eventually([&] { return (lease = try_acquire(ttl).lease).has_value(); })) {
      throw std::runtime_error("the lock did not become free");
    }
    return *lease;
  }
  bool renew(agent::Lease& lease) { return loop_.run(coordinator_.renew("t", lease)); }
  void release(const agent::Lease& lease) { loop_.run(coordinator_.release("t", lease)); }
  agent::Admission admit(const agent::Lease& lease, const agent::FetchLimits& limits) {
    return loop_.run(coordinator_.admit("t", lease, limits));
  }
  agent::PublishResult publish(const agent::Record& record, const agent::Lease& lease) {
    return loop_.run(coordinator_.publish("t", record, lease));
  }
  std::optional<agent::Record> load() { return loop_.run(coordinator_.load("t")); }
  void pause(agent::Duration duration, const std::string& reason) {
    agent::Pause pause{loop_.clock.boot_now() + duration, reason};
    loop_.run(coordinator_.pause("t", std::move(pause)));
  }

 private:
  TestLoop& loop_;
  agent::Coordinator& coordinator_;
};

// A host of a fleet on one Redis: with connections, listener and owner ids of its own. Its lock store is not started.
struct Host {
  Host(TestLoop& l, agent::RedisOptions options)
      : loop(l), backends(agent::make_redis_backends(l.timers, l.random, std::move(options))), call(l, coordinator) {
    coordinator.start();
  }
  // Subscribes and waits until messages arrive.
  void listen() {
    coordinator.subscribe("t", &listener);
    EXPECT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
  }

  TestLoop& loop;
  RecordingListener listener;
  agent::Backends backends;
  agent::Coordinator& coordinator = *backends.coordinator;
  Caller call;
};

struct RedlockHost {
  RedlockHost(TestLoop& l, const agent::RedlockOptions& options)
      : loop(l), backends(agent::make_redlock_backends(l.timers, l.random, options)), call(l, coordinator) {
    coordinator.start();
  }
  ~RedlockHost() { coordinator.stop(); }
  // Waits until all `servers` are connected and their clocks and scripts are known.
  void warm_up(std::size_t servers = 5) {
    const std::string connected = " " + std::to_string(servers) + " reachable";
    EXPECT_TRUE(loop.turn_until([&] { return coordinator.health().endpoint.ends_with(connected); }));
    call.release(call.acquire(std::chrono::hours(1)));
  }
  void listen() {
    coordinator.subscribe("t", &listener);
    EXPECT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
  }

  TestLoop& loop;
  RecordingListener listener;
  agent::Backends backends;
  agent::Coordinator& coordinator = *backends.coordinator;
  Caller call;
};

inline constexpr const char* updater_key = "jeton:{t}:updater";
inline constexpr const char* token_key = "jeton:{t}:token";
inline constexpr const char* fence_key = "jeton:{t}:fence";

using Indices = std::vector<std::size_t>;
// All pairs out of five: the minorities that may fail.
inline const std::vector<Indices> minorities{{0, 1}, {2, 3}, {4, 0}, {1, 2}, {3, 4},
                                             {0, 2}, {1, 3}, {2, 4}, {3, 0}, {4, 1}};

}  // namespace jeton::test
