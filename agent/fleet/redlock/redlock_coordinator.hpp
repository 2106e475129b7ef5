// RedlockCoordinator: a Coordinator on N Redis servers that share nothing (DESIGN.md section 5). It works as long as a
// majority of them answers, within the time of one answer: all are asked in parallel and nobody waits for a minority.
//
// The lock is Redlock with fences (redlock_lock.hpp), the record a quorum register with read repair
// (redlock_register.hpp), the count of fetches is read and written under the lock (redlock_fetches.hpp).
//
// What it asks of the servers: that a restart loses nothing (appendonly yes, appendfsync always), or that a server
// which lost its data stays away for longer than a lock lives. A server that comes back empty at once may give the lock
// it has forgotten to a second owner, and if others of the majority did the same, there are two; the fences then tell
// them apart as long as a server that knows the last fence is among the majority of the next. Clocks of servers may
// differ: every time is converted with the offset of its server. They should not jump.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

struct RedlockCoordinatorOptions {
  // One a server. Their timeout bounds every question to that server; it should be small against a lock's time to live.
  std::vector<redis::ConnectOptions> servers;
  std::string prefix = "jeton";
  FleetCodec codec{};                                 // plain, or sealed
  Duration keepalive = std::chrono::seconds(15);      // between two PINGs on the quiet connections for messages
  Duration clock_interval = std::chrono::minutes(5);  // between two measurements of a clock offset
};

class RedlockCoordinator final : public Coordinator {
 public:
  // Timers and random outlive the coordinator. Throws Error if there are less than three servers or one stands twice,
  // in whatever database: it would have two votes. One that is given under two names is noticed when both are
  // connected (redlock_votes.hpp): the second connection is refused, and tried again until it is mended.
  RedlockCoordinator(Timers& timers, Random& random, RedlockCoordinatorOptions options);
  ~RedlockCoordinator() override;

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override;
  Task<bool> renew(const std::string& name, Lease& lease) override;
  Task<> release(const std::string& name, const Lease& lease) override;
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override;
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override;
  Task<std::optional<Record>> load(const std::string& name) override;
  Task<> pause(const std::string& name, Pause pause) override;
  Task<> resume(const std::string& name) override;
  Task<> announce_rejection(const std::string& name, Generation generation) override;
  Task<FetchUsage> usage(const std::string& name) override;
  Task<> restore_usage(const std::string& name, FetchUsage usage, Duration window) override;

  void configure(const std::string& name, const TokenTerms& terms) override;
  void prune_except(const std::set<std::string>& /*names*/) override {}  // nothing of a token is kept on this host

  void subscribe(const std::string& name, FleetListener* listener) override;

  // Reachable: a majority is connected. The last error names every server that is not, or that has its vote already.
  // The clock offset is the median.
  [[nodiscard]] BackendHealth health() const override;
  void clock_stepped() override;
  void start() override;
  // What is still on its way to a server that answers is waited for, within one command's time.
  void stop() override;

 private:
  struct State;
  template <typename T>
  static Task<T> tracked(std::shared_ptr<State> state, Task<T> call);
  static Task<> tracked(std::shared_ptr<State> state, Task<> call);
  std::shared_ptr<State> state_;
};

}  // namespace jeton::agent
