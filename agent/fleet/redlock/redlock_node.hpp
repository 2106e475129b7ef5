// RedlockNode: one server of a quorum, with connections, a clock offset and a cleanup of its own, so that nothing one
// server does holds up another.
//
// Records go in and come out in this host's wall clock; on the server they stand in the server's time, measured like
// the offset of a single server. So every host reads the same instant on whichever server it asks, each server expires
// its keys by its own clock, and a server whose clock is wrong misleads nobody.
//
// What one host asks a server about one lock is asked in that order and one at a time: a release does not overtake the
// acquisition that was slower here than a majority, nor the next acquisition that release.
//
// Every call is a coroutine that keeps its node and its arguments, so that it may go on when nobody waits for it any
// more. It ends at its deadline at the latest, or at stop(). Errors: TransportError. One thread: the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/base/turns.hpp"
#include "agent/fleet/redis/client/keyspace.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "agent/fleet/redis/clock_keeper.hpp"
#include "agent/fleet/redis/lock_cleanup.hpp"
#include "agent/fleet/redis/lock_operations.hpp"
#include "agent/fleet/redis/redis_channels.hpp"
#include "agent/fleet/redis/redis_operations.hpp"
#include "agent/fleet/redis/stored_records.hpp"
#include "agent/fleet/redlock/redlock_steps.hpp"

namespace jeton::agent {

// One try to win a majority, and the lease that came of it. What a server grants after it was abandoned (the try
// failed, or the lease was given back) is taken back there.
struct RedlockAttempt {
  std::string owner;
  Milliseconds ttl{};
  bool abandoned = false;
  LockNote note{};           // of an application's lock
  bool owner_is_new = true;  // otherwise another claim may hold the lock by it, see LockClaim
};

class RedlockNode : public std::enable_shared_from_this<RedlockNode> {
 public:
  using Self = std::shared_ptr<RedlockNode>;

  struct Options {
    redis::ConnectOptions connection;  // `identified` is asked about the connection for commands
    std::string prefix;
    Duration keepalive{};
    Duration clock_interval{};
    FleetCodec codec{};
    RedisChannels::IsNews is_news{};  // of a claim or release by its owner
    bool locks = false;               // names are those of locks that applications take, not of tokens
  };
  // Timers and random outlive it.
  RedlockNode(Timers& timers, Random& random, Options options);
  RedlockNode(const RedlockNode&) = delete;
  RedlockNode& operator=(const RedlockNode&) = delete;
  ~RedlockNode();

  // Which keys a token uses.
  void configure(const std::string& name, const TokenTerms& terms) { terms_[name] = terms; }
  void forget(const std::string& name) { terms_.erase(name); }
  void start();
  // Ends its connections, at once or, if calls or a cleanup are under way on a server that answers, within a timeout.
  void stop();
  // At once, whatever is under way. Needs the timers; after it nothing does.
  void end();

  struct Vote {
    RedisOperations::Acquired answer;
    std::optional<Record> record;
    LockNote note{};  // busy, of an application's lock: what is known of the holder
  };
  static Task<Vote> acquire(Self self, std::string name, std::shared_ptr<const RedlockAttempt> attempt,
                            BootTime deadline);
  static Task<bool> raise_fence(Self self, std::string name, std::string owner, std::uint64_t fence, BootTime deadline);
  static Task<bool> renew(Self self, std::string name, std::string owner, Milliseconds ttl, BootTime deadline);
  // The lock, which this server lost while a majority still has it, and its fence.
  static Task<bool> take_again(Self self, std::string name, std::string owner, std::uint64_t fence, Milliseconds ttl,
                               BootTime deadline);
  // If the server cannot be asked, the lock is taken back as soon as it can.
  static Task<bool> release(Self self, std::string name, std::string owner, Milliseconds ttl, BootTime deadline);

  static Task<bool> force_release(Self self, std::string name, std::string message_id, BootTime deadline);
  static Task<LockView> show(Self self, std::string name, BootTime deadline);

  static Task<std::optional<FetchCount>> fetches(Self self, std::string name, std::string owner, BootTime deadline);
  static Task<bool> count_fetch(Self self, std::string name, std::string owner, RedlockSteps::Fetch fetch,
                                BootTime deadline);

  struct Stored {
    bool stored = false;           // by this call, or by an earlier one of the same record
    std::optional<Record> record;  // what was there: newer, or this one by an earlier call
  };
  // `owner` empty: a repair. Otherwise its lock is given back, too, at the latest when the server can be asked again.
  static Task<Stored> publish(Self self, std::string name, std::shared_ptr<const Record> record, std::string owner,
                              Milliseconds ttl, BootTime deadline);
  struct Loaded {
    std::optional<Record> record;
    bool unreadable = false;  // something is there, but no record of this token
  };
  static Task<Loaded> load(Self self, std::string name, BootTime deadline);
  // True also if a longer one is there.
  static Task<bool> pause(Self self, std::string name, Pause pause, BootTime deadline);
  static Task<bool> resume(Self self, std::string name, BootTime deadline);
  static Task<bool> announce_rejection(Self self, std::string name, Generation generation, BootTime deadline);
  static Task<FetchUsage> usage(Self self, std::string name, BootTime deadline);
  static Task<bool> restore_usage(Self self, std::string name, FetchUsage usage, Milliseconds window,
                                  BootTime deadline);

  [[nodiscard]] RedisChannels& channels() { return channels_; }
  [[nodiscard]] bool is_connected() const { return client_->is_connected(); }
  // Why it is not connected.
  [[nodiscard]] std::string last_error() const;
  [[nodiscard]] std::string display() const { return client_->display(); }
  [[nodiscard]] std::optional<Milliseconds> clock_offset() const;
  void forget_clock() { clock_.forget(); }

  // Counts a call that may outlive the one who asked, so that stop() can let it end.
  class Busy {
   public:
    explicit Busy(RedlockNode& node) : node_(node) { ++node_.calls_; }
    ~Busy() {
      --node_.calls_;
      node_.call_ended_.notify();
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    RedlockNode& node_;
  };
  // For people: the key of the updater lock, the same on every server.
  [[nodiscard]] std::string lock_key(const std::string& name) const { return keys_of(name).updater; }

 private:
  using Turn = std::shared_ptr<Turns::Turn>;

  static Task<> stop_when_idle(Self self);
  // What this host asked this server about the lock before has ended. Throws TransportError at the deadline.
  static Task<Turn> in_turn(Self self, std::string key, BootTime deadline);
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] RedisKeys keys_of(const std::string& name) const {
    const auto found = terms_.find(name);
    const TokenTerms terms = found == terms_.end() ? TokenTerms{} : found->second;
    if (is_locks_) return RedisKeys::of_lock(prefix_, name, database_, terms.lock);
    return {prefix_, name, database_, terms};
  }
  // In the background: deletes the lock if it is this owner's.
  void take_back(const std::string& name, const std::string& owner, Milliseconds ttl, LockCleanup::Doubt doubt);
  // Of an acquisition whose answer was lost.
  void take_back_in_doubt(const std::string& name, const RedlockAttempt& attempt);
  std::optional<Record> decode(const std::string& name, const std::optional<SecretString>& text);

  Timers& timers_;
  std::string prefix_;
  int database_;
  bool is_locks_;
  FleetCodec codec_;
  std::map<std::string, TokenTerms> terms_;
  Duration timeout_;
  int calls_ = 0;
  bool stopped_ = false;
  bool ended_ = false;
  Event call_ended_;
  Turns turns_;  // by key of the lock
  std::shared_ptr<redis::Keyspace> client_;
  RedisOperations operations_;
  LockOperations locks_;
  RedlockSteps steps_;
  LockCleanup cleanup_;
  ClockKeeper clock_;
  RedisChannels channels_;
  StoredRecords records_;
};

}  // namespace jeton::agent
