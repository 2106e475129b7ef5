// Revoker, step 7 of a refresh (agent/README.md): revokes tokens at the provider that are no longer used (RFC 7009):
// each once for the fleet, when its overlap has ended, again and again until the provider has heard it or the token has
// run out by itself.
//
// What was revoked is a record of its own in the coordinator, under the name "TOKEN~revocation": its generation is that
// of the last token revoked, and its lock keeps two hosts from doing the same. The host that fetched the successor
// goes first; the others follow some time later, should it be gone. A token that is current is never revoked, whatever
// the records say. One thread: the loop's.
#pragma once

#include <deque>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/fleet/record_store.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

class Revoker final : private FleetListener {
 public:
  // All outlive the revoker.
  struct Parts {
    Timers& timers;
    Random& random;
    LeaseStore& leases;
    RecordStore& records;
    FleetSignals& signals;
    Source& source;
    std::string host;
  };
  Revoker(const TokenConfig& config, Milliseconds lock_ttl, Parts parts);
  ~Revoker() override;

  // The name under which a token's revocations are coordinated.
  [[nodiscard]] static std::string coordinated_name(const std::string& token) { return token + "~revocation"; }

  // This record is current now; the token before it is revoked in its time.
  void note(const Record& current);
  // Until cancelled, with system_error(operation_aborted).
  Task<> run();

 private:
  struct PendingRevocation {
    SecretString value;
    Generation generation = 0;
    WallTime expires_at;  // the epoch: not known
    BootTime at;
  };

  Task<> revoke_first();
  // Whether nothing is left to do about it.
  Task<bool> settle(PendingRevocation pending);
  Task<bool> revoke_under(PendingRevocation pending, Lease lease);
  void settled(Generation generation);
  void postpone(Generation generation, BootTime at);
  [[nodiscard]] bool obsolete(const PendingRevocation& pending) const;
  // Another host did it.
  void hear(FleetEvent event) override {
    if (const auto* record = std::get_if<Record>(&event)) settled(record->generation);
  }
  [[nodiscard]] BootTime now() const { return parts_.timers.clock().boot_now(); }

  const TokenConfig& config_;
  const std::string name_;  // coordinated
  Milliseconds lock_ttl_;
  Parts parts_;
  Event wake_;
  Backoff backoff_;
  SecretString current_;                   // the value that must not be revoked
  std::deque<PendingRevocation> pending_;  // by generation
  Generation noted_ = 0;                   // of the newest token that was ever put there
};

}  // namespace jeton::agent
