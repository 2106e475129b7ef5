// The record and the pause of a token over a quorum: a register that is written to a majority and read from a
// majority, so that each written record is read by the next reader, whichever servers are out at either time. The
// highest generation wins; servers that are behind are given the newest record in the background.
//
// A record that reached a minority only (its writer died, or got a TransportError and tries again) may be
// read, and is then spread by the repair. That is as it should be: it was fetched under a fence that no other record
// has, so it is a real token, and the newest one; and a host that takes it never goes back, because generations only
// rise. For the same reason a record is passed on to its listener as soon as one server sends it.
// tests/model/redlock.pml is a model of it.
//
// All are coroutines that keep what they need. One thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent::redlock {

// Stored: by a majority, now or before. Refused: a majority answered, and one of them has a newer record. Both end the
// lock, where a server does not answer as soon as it can be reached again. Otherwise it is unknown, a TransportError:
// to publish the same record again does no harm, and servers that have not heard of the record keep the lock for that.
Task<PublishResult> publish(Quorum quorum, Subject subject, std::shared_ptr<const Record> record, Lease lease);
Task<std::optional<Record>> load(Quorum quorum, Subject subject);
Task<> pause(Quorum quorum, Subject subject, Pause pause);
Task<> resume(Quorum quorum, Subject subject, ResumeReason reason);
Task<> announce_rejection(Quorum quorum, Subject subject, Generation generation);

// The newest record of any answer; none if there is none.
template <typename Answer>
[[nodiscard]] std::optional<Record> newest_record(const RedlockRound<Answer>& round) {
  const Record* best = nullptr;
  for (const auto& answer : round.answers) {
    if (!answer || !answer->record) continue;
    if (best == nullptr || answer->record->generation > best->generation) best = &*answer->record;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace jeton::agent::redlock
