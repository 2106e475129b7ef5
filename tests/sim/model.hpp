// The world around the refresh loop, modelled: one Redis, one provider, agents with segments. Everything is drawn from
// one seed; latencies are virtual.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/refresh/refresh_loop.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_timers.hpp"

namespace jeton::sim {

using namespace jeton::agent;
using test::SeededRandom;
using test::VirtualClock;
using test::VirtualTimers;

// What a Redis server does for jeton, on one token, with latency, outages and loss of data.
class ModelRedis {
 public:
  explicit ModelRedis(VirtualTimers& timers, Random& random) : timers_(timers), random_(random) {}

  struct Lock {
    std::string owner;
    BootTime until;
  };

  void lose_data() {
    lock.reset();
    record.reset();
    last_fence = 0;
    pause_until = {};
    last_call = {};
  }
  [[nodiscard]] Duration latency() {
    return std::chrono::microseconds(100 + static_cast<int>(900 * random_.uniform()));
  }
  // One round trip; throws TransportError after a timeout while the server is down.
  Task<> reach();
  void tell(const std::function<void(CoordinationListener&)>& message);
  void reconnect_all();

  bool up = true;
  std::optional<Lock> lock;
  std::optional<Record> record;
  std::uint64_t last_fence = 0;
  BootTime pause_until{};
  BootTime last_call{};
  std::uint64_t commands = 0;
  std::map<int, CoordinationListener*> listeners;

 private:
  VirtualTimers& timers_;
  Random& random_;
};

class ModelCoordinator final : public Coordinator {
 public:
  ModelCoordinator(int id, ModelRedis& redis, VirtualTimers& timers, Random& random)
      : id_(id), redis_(redis), timers_(timers), random_(random) {}
  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override;
  Task<bool> renew(const std::string& name, Lease& lease) override;
  Task<> release(const std::string& name, const Lease& lease) override;
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override;
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override;
  Task<std::optional<Record>> load(const std::string& name) override;
  Task<> pause(const std::string& name, Pause pause) override;
  void subscribe(const std::string& name, CoordinationListener* listener) override;
  [[nodiscard]] CoordinatorHealth health() const override { return {}; }
  void clock_stepped() override {}
  void start() override {}
  void stop() override {}

 private:
  [[nodiscard]] bool owns(const Lease& lease) const;
  int id_;
  ModelRedis& redis_;
  VirtualTimers& timers_;
  Random& random_;
};

// One provider for the whole fleet: counts calls, can fail.
class ModelProvider {
 public:
  explicit ModelProvider(VirtualTimers& timers) : timers_(timers) {}
  enum class Mood { well, broken, refusing };

  Task<FetchedToken> call();

  Milliseconds lifetime{std::chrono::minutes(10)};
  Duration answer_time = std::chrono::milliseconds(200);
  Mood mood = Mood::well;
  std::uint64_t calls = 0;
  std::uint64_t issued = 0;

 private:
  VirtualTimers& timers_;
};

class ModelSource final : public Source {
 public:
  explicit ModelSource(ModelProvider& provider) : provider_(provider) {}
  Task<FetchedToken> fetch(FetchContext /*context*/) override { return provider_.call(); }
  [[nodiscard]] std::string describe() const override { return "model"; }

 private:
  ModelProvider& provider_;
};

// A segment in a variable. Survives its agent, as a segment does. Fails the test if a generation goes back.
class ModelStore final : public TokenStore {
 public:
  [[nodiscard]] std::optional<Record> adopted() const override { return record; }
  void publish(const Record& next, WallTime now) override;
  void mark_expired() override { expired = true; }
  void mark_rejected() override { refused = true; }
  [[nodiscard]] bool rejected() const override { return refused; }
  void heartbeat(WallTime) override {}
  void retire() override {}

  std::optional<Record> record;
  bool expired = false;
  bool refused = false;
  std::uint64_t went_back = 0;
};

// A fleet of agents around one Redis and one provider.
class Fleet {
 public:
  Fleet(std::uint64_t seed, int agents);
  ~Fleet();

  void start(int agent);
  void start_all();
  // Ends in an orderly way: cancellation, lock given back.
  void stop(int agent);
  // Gone at once: nothing it was doing goes on, its lock stays until its TTL.
  void crash(int agent);

  // Every host's wall clock is set, and each agent notices.
  void step_clocks(Milliseconds offset);

  [[nodiscard]] std::uint64_t lock_attempts() const;
  // Runs so many rotations of a token of an hour; how many agents reached for the lock at each, on average.
  [[nodiscard]] double attempts_per_rotation(int rotations);
  [[nodiscard]] std::uint64_t publications_refused() const;
  [[nodiscard]] bool all_hold(Generation generation) const;
  [[nodiscard]] bool all_valid() const;
  [[nodiscard]] std::uint64_t went_back() const;

  VirtualTimers timers;
  SeededRandom random;
  ModelRedis redis{timers, random};
  ModelProvider provider{timers};
  TokenConfig config;
  std::vector<std::unique_ptr<ModelStore>> stores;

 private:
  struct Running;
  std::vector<std::shared_ptr<Running>> running_;
  std::vector<std::shared_ptr<Running>> ended_;  // a renewal in flight may still look at its coordinator
  std::uint64_t attempts_of_ended_ = 0;
};

}  // namespace jeton::sim
