// Coordinator: what a fleet agrees through (DESIGN.md section 5). Backends: local (files of this host), redis, redlock.
//
// Names below are token names. Every call has a deadline of its own and either returns what the coordinator said or
// throws TransportError: an unreachable coordinator is never read as "busy", "lost" or "empty". One thread: the loop's.
// Times in records are this host's wall clock at this interface; a backend with its own clock converts.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/lock_holder.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// The updater lock, held. Valid while now < valid_until: ttl - elapsed - (1 % of ttl + 2 ms), measured from before
// the request was sent.
struct Lease {
  std::string owner;        // 128 random bits as hex, new for every acquisition
  std::uint64_t fence = 0;  // higher than that of every earlier acquisition of this name
  Duration ttl{};
  BootTime valid_until;
};

// Nobody may ask the provider before `until`; shared by the fleet.
struct Pause {
  BootTime until;
  std::string reason;  // "429 from https://... (Retry-After)"; no secret
  // Fingerprint of a request that failed for good or for long: who would send another may resume(). Empty: none.
  std::string request{};
};

struct AcquireResult {
  std::optional<Lease> lease;     // held now, if set
  std::optional<Record> current;  // the published record, read in the same step
  BootTime busy_until;            // if another holds it: when that lease runs out at the latest
  std::string holder{};           // if another holds it and the backend can tell: its owner id, printable, short
  std::string trouble;            // if it is held in a way that an operator must end: what to do
  LockNote note{};                // if another holds an application's lock: what is known of that one
  std::optional<Pause> pause;     // if set, the lock was not tried
};

// What a token's configuration allows; checked and counted before the call to the provider, so that a crash cannot
// spend twice.
struct FetchLimits {
  Duration min_interval{};   // between the starts of two fetches; zero: none
  std::uint64_t budget = 0;  // fetches per window; zero: unlimited
  Duration budget_window{};
  // What this host has heard the fleet call in the running window: a store that lost its count starts from there.
  std::uint64_t known_calls = 0;
  Duration known_window_left{};
};

struct Admission {
  bool admitted = false;
  BootTime retry_at;             // if refused: when it may be admitted
  std::string reason;            // if refused: "min_interval", "budget", "lock lost"
  std::uint64_t calls_used = 0;  // in the running window, this one included if admitted
  BootTime window_end{};         // if admitted: when the count starts again
};

struct FetchUsage {
  std::uint64_t calls = 0;             // in the running window
  std::optional<BootTime> window_end;  // when it starts again from zero; none before the first call
  bool paused = false;                 // nobody may ask the provider now
};

struct PublishResult {
  bool stored = false;
  // If refused: what the coordinator holds, which is newer. If stored: set if it was there already.
  std::optional<Record> current;
};

// What happens to one token in the fleet. Called on the loop; must not block or throw. Own publications are heard too.
class CoordinationListener {
 public:
  virtual ~CoordinationListener() = default;
  virtual void on_record(Record record) = 0;
  // Another agent took the lock until then at the latest: hold back.
  virtual void on_claim(BootTime until) = 0;
  // A lock was given back without a publication: a waiter may try.
  virtual void on_release() = 0;
  virtual void on_pause(Pause pause) = 0;
  // Somebody was admitted: what the fleet has called by now.
  virtual void on_usage(FetchUsage /*usage*/) {}
  // A record came that cannot be one of this token: malformed, or not sealed for it. It was ignored.
  virtual void on_unreadable(const std::string& /*why*/) {}
  // The provider refused the token of this generation.
  virtual void on_rejected(Generation /*generation*/) {}
  // The pause is lifted: somebody has mended what it was about.
  virtual void on_resume() {}
  // Messages may have been missed (connected again, clock step): load() now.
  virtual void on_gap() = 0;
  // The stored record may be gone (deleted, flushed): give it back soon. A backend that cannot tell is looked at now
  // and then.
  virtual void on_lost() {}
};

struct CoordinatorHealth {
  std::string backend;   // "local", "redis", "redlock"
  std::string endpoint;  // "redis://127.0.0.1:6379/0", a directory; no password
  bool reachable = false;
  std::string last_error;       // empty if none since the last success
  Milliseconds clock_offset{};  // coordinator's wall clock minus this host's
};

// How other clients of the same Redis meet jeton. Backends without one ignore it.
struct TokenTerms {
  TokenLockConfig lock;    // the key and protocol of the updater lock
  std::string mirror_key;  // where the bare value is written too; empty: nowhere
  bool operator==(const TokenTerms&) const = default;
};

class Coordinator {
 public:
  Coordinator() = default;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  virtual ~Coordinator() = default;

  // Never waits for the holder. Announces the claim to the fleet when it wins.
  virtual Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) = 0;
  // False: the lock is lost (expired, deleted, another's); it is not created again. True: lease.valid_until moved.
  virtual Task<bool> renew(const std::string& name, Lease& lease) = 0;
  // Only if still owned. Announces the release. Has a deadline of its own, works while the agent is stopping.
  virtual Task<> release(const std::string& name, const Lease& lease) = 0;
  // May this lease call the provider now? Counts the call if so.
  virtual Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) = 0;
  // Stores the record if its generation is higher than the stored one, tells the fleet, and releases the lease if it
  // is still owned, all in one step.
  virtual Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) = 0;
  virtual Task<std::optional<Record>> load(const std::string& name) = 0;
  // Holds the whole fleet back from the provider.
  virtual Task<> pause(const std::string& name, Pause pause) = 0;
  // Ends a pause before its time, fleet-wide.
  virtual Task<> resume(const std::string& /*name*/) { co_return; }
  // Tells every host of the fleet that the provider refused the token of the record of this generation.
  virtual Task<> announce_rejection(const std::string& /*name*/, Generation /*generation*/) { co_return; }
  // What the provider was asked in the running window, by the whole fleet; nothing if the backend cannot say.
  virtual Task<std::optional<FetchUsage>> usage(const std::string& /*name*/) { co_return std::nullopt; }

  // After a loss of data: the count is at least this. Of a window of so long.
  virtual Task<> restore_usage(const std::string& /*name*/, FetchUsage /*usage*/, Duration /*window*/) { co_return; }
  // What the token's configuration asks of the backend; before the first call about it, and again when that changes.
  virtual void configure(const std::string& /*name*/, const TokenTerms& /*terms*/) {}
  // These are the tokens of this host: what is kept on it of any other is removed.
  virtual void keep_only(const std::set<std::string>& /*names*/) {}
  // One listener a name; nullptr ends it. Returns at once; on_gap() follows as soon as messages can arrive.
  virtual void subscribe(const std::string& name, CoordinationListener* listener) = 0;

  [[nodiscard]] virtual CoordinatorHealth health() const = 0;
  // The wall clock of this host was stepped: measure the offset anew.
  virtual void clock_stepped() = 0;
  // Connects, and ends every connection; after stop() every call throws TransportError.
  virtual void start() = 0;
  virtual void stop() = 0;
};

}  // namespace jeton::agent
