// RedisServer: one Redis deployment (a server, the primary that Sentinels name, a Cluster) as one agent uses it: one
// connection for commands and one for messages, the offset of its clock, the cleanup of uncertain acquisitions, the
// notifications, and the steps that every backend takes, in this host's time.
//
// The coordinator and the lock store of an agent share it (server_use.hpp). Their commands are pipelined on one
// connection, so neither waits for an answer to the other: a command that takes the server long would hold up both on
// two connections as well, and a wait for replicas is cut into slices (client.hpp).
//
// Records go in and come out in this host's wall clock; on the server they are in the server's time. So every host
// reads the same instant on whichever server it asks, each server expires its keys by its own clock, and a server whose
// clock is wrong misleads no host.
//
// The caller of a step keeps the server until the Task is done. In a quorum a step ends at its deadline at the latest;
// on a single server each question has a timeout of its own: the clock, the step, the replacement of a bad record. All
// end when the connections end. Errors: TransportError. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/lock_operations.hpp"
#include "agent/fleet/redis/notifications.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redis/redis_operations.hpp"
#include "agent/fleet/redis/server_clock.hpp"
#include "agent/fleet/redis/uncertain_acquires.hpp"

namespace jeton::agent {

// An acquisition under way. Its TTL is whole milliseconds.
struct AcquireAttempt : AcquireRequest {
  explicit AcquireAttempt(AcquireRequest request) : AcquireRequest(std::move(request)) { ttl = expiry_ms(ttl); }
  bool abandoned = false;  // by a quorum: a lock that the server grants from now on is released there
};

class RedisServer : public std::enable_shared_from_this<RedisServer> {
 public:
  // Timers and random outlive it. `reached_majority`: see notifications.hpp; empty: the server is no part of a quorum.
  RedisServer(Timers& timers, Random& random, RedisOptions options,
              Notifications::ReachedMajority reached_majority = nullptr);
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  // Called after each connect.
  void on_connected(std::function<void()> callback) { connected_ = std::move(callback); }

  struct Grant {
    LockOperations::Acquired answer;  // without its record
    std::optional<Record> record;
    BootTime sent_at;  // before the request was sent
  };
  // An acquisition that may have succeeded without an answer, or that too few replicas have, is cancelled in the
  // background.
  Task<Grant> acquire(Subject subject, std::shared_ptr<const AcquireAttempt> attempt, BootTime deadline);
  // The same for a server that decides alone.
  Task<AcquireResult> try_acquire(Subject subject, AcquireRequest request);
  // False: not held by this owner (any more).
  Task<bool> renew(Subject subject, Lease& lease, BootTime deadline);
  // LockStore::pass() of a server that decides alone. If too few replicas have it, it counts as not answered.
  Task<bool> pass(Subject subject, FormerOwners former, Lease& lease, LockNote note, bool confirmed, BootTime deadline);
  // Deletes the lock if it is this owner's, in the background, as soon as the server can be asked.
  void cancel_acquire(const Subject& subject, const std::string& owner, Duration ttl) {
    uncertain_->cancel(keys_of(subject), owner, ttl, UncertainAcquires::Unanswered::connection_lost);
  }

  // The lock is released too, unless `owner` is empty or no longer has it.
  Task<PublishResult> publish(Subject subject, std::shared_ptr<const Record> record, std::string owner,
                              BootTime deadline);
  // It refused a record with an error within the last half a minute. A replica's refusal ends the connection, and the
  // next connection is a reason for a repair: which would be refused.
  [[nodiscard]] bool refuses_records() const { return now() < refused_until_; }
  struct Loaded {
    std::optional<Record> record;
    bool unreadable = false;  // a text is stored, but it is not a record of this token
  };
  Task<Loaded> load(Subject subject, BootTime deadline);

  // The steps that know nothing of records in this host's time.
  [[nodiscard]] RedisOperations& operations() { return operations_; }
  [[nodiscard]] LockOperations& locks() { return locks_; }
  [[nodiscard]] redis::CommandRunner& runner() { return *runner_; }
  [[nodiscard]] RedisKeys keys_of(const Subject& subject) const {
    return RedisKeys::of_subject(options_.prefix, subject, options_.connection.database);
  }

  // Serialises the requests of a quorum to one server about one lock, in their order: a release does not overtake the
  // acquisition that was slower here than a majority, nor the next acquisition that release. Returns when the earlier
  // requests have ended; throws TransportError at the deadline.
  using Turn = std::shared_ptr<Turns::Turn>;
  Task<Turn> in_turn(Subject subject, BootTime deadline);

  [[nodiscard]] Notifications& notifications() { return notifications_; }
  [[nodiscard]] bool is_connected() const { return runner_->is_connected(); }
  // Why it is not connected.
  [[nodiscard]] std::string last_error() const;
  [[nodiscard]] std::string display() const { return runner_->display(); }
  [[nodiscard]] std::optional<Milliseconds> clock_offset() const { return clock_->offset(); }
  void forget_clock() { clock_->forget(); }
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] WallTime wall_now() const { return timers_.clock().wall_now(); }
  // Of a question that is asked now.
  [[nodiscard]] BootTime deadline() const { return now() + options_.connection.timeout; }
  [[nodiscard]] Random& random() const { return random_; }

  // Counts a call that may outlive the caller, so that the connections wait for it when they end.
  class Busy {
   public:
    explicit Busy(RedisServer& server) : server_(server) { ++server_.calls_; }
    ~Busy() {
      --server_.calls_;
      server_.call_ended_.notify();
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    RedisServer& server_;
  };

 private:
  friend class ServerUse;

  void start();
  // Ends the connections, at once or, if calls or a cleanup are under way on a server that answers, within a timeout.
  void stop();
  // At once, even during calls. Needs the timers; after it nothing does.
  void end();
  static Task<> stop_when_idle(std::shared_ptr<RedisServer> self);
  // Of the next question of a step, whose deadline this is: the caller of a quorum waits no longer.
  [[nodiscard]] BootTime next_deadline(BootTime of_step) const { return in_quorum_ ? of_step : deadline(); }
  [[nodiscard]] std::string too_few_replicas(const std::string& what) const;
  // A stored record in this host's time; none if it is not one, which is reported once, until a good one comes.
  std::optional<Record> decode(const Subject& subject, const std::optional<SecretString>& text);

  Timers& timers_;
  Random& random_;
  RedisOptions options_;
  bool in_quorum_;
  std::function<void()> connected_;
  int users_ = 0;    // that exist
  int started_ = 0;  // and use the connections now
  int calls_ = 0;
  BootTime refused_until_{};
  bool stopped_ = false;
  bool ended_ = false;
  Event call_ended_;
  Turns turns_;  // by key of the lock
  std::shared_ptr<redis::CommandRunner> runner_;
  RedisOperations operations_;
  LockOperations locks_;
  const std::shared_ptr<UncertainAcquires> uncertain_;
  const std::shared_ptr<ServerClock> clock_;
  Notifications notifications_;
};

using Servers = std::vector<std::shared_ptr<RedisServer>>;

}  // namespace jeton::agent
