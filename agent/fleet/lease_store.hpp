// LeaseStore: the updater lock of each token, which one host of the fleet holds at a time. RecordStore: the published
// record of each token.
//
// As every role of a backend (coordinator.hpp): names are token names; a call has a deadline of its own, and returns
// what the backend said or throws TransportError. A backend that cannot be reached is never read as "busy" or "lost".
// Times in records are this host's wall clock at this interface; a backend with a clock of its own converts. One
// thread: the loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lock_holder.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// A lock, held. Valid while now < valid_until: ttl - elapsed - (1 % of ttl + 2 ms), measured from before the request
// was sent. A renewal sets owner and valid_until.
struct Lease {
  std::string owner;        // 128 random bits as hex, new for every acquisition, or what other clients expect (getset)
  std::uint64_t fence = 0;  // higher than that of every earlier acquisition of this name
  Duration ttl{};
  BootTime valid_until;
  // Of an updater lock: the generation of the record that the store had then, as the text that is stored.
  std::string stored_generation{};
};

// The result of one try to take a lock.
struct LockTry {
  std::optional<Lease> lease;  // held now, if set
  BootTime busy_until;         // otherwise: when the other owner's lease ends at the latest, or when to try again
  std::string holder{};        // its owner id, printable, short; empty: the backend does not know it
  std::string trouble;         // if an operator must end the lock (it never expires): what to do
  LockNote note{};             // of the holder of an application's lock, where the backend knows it
};

// Of the updater lock.
struct AcquireResult : LockTry {
  std::optional<Record> current;  // the published record, read in the same step
  std::optional<Pause> pause;     // if set, the lock was not tried
};

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;

  // Never waits for the holder. Announces the claim to the fleet when it wins.
  virtual Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) = 0;
  // False: the lock is lost (expired, deleted, taken); it is not created again.
  virtual Task<bool> renew(const std::string& name, Lease& lease) = 0;
  // Only if still owned. Announces the release. Works while the agent is stopping.
  virtual Task<> release(const std::string& name, const Lease& lease) = 0;
};

struct PublishResult {
  bool stored = false;
  // If refused: the newer record of the backend. If stored: set if the record was there already.
  std::optional<Record> current;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // Stores the record if its generation is higher than the stored one, notifies the fleet, and releases the lease if it
  // is still owned, all in one step.
  virtual Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) = 0;
  virtual Task<std::optional<Record>> load(const std::string& name) = 0;
};

}  // namespace jeton::agent
