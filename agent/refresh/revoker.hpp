// Revoker, step 7 of a refresh (agent/README.md): revokes tokens at the provider that are no longer used (RFC 7009):
// each once for the fleet, when its overlap has ended. It tries again until the provider has accepted the revocation or
// the token has expired.
//
// The revocations have a record of their own in the coordinator, under the name "TOKEN~revocation": its token
// generation is that of the last revoked token, and its lock keeps two hosts from the same revocation. It says nothing
// of older tokens, as the host that wrote it may not have known of them; after a newer one an older one has a higher
// generation of the record, or the fleet would not hear of it. The host that fetched the successor goes first; the
// others follow some time later, in case that host has failed. The current token is never revoked, whatever the records
// say. One thread: the loop's.
#pragma once

#include <deque>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"
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
  struct PendingRevocation {
    SecretString value;
    Generation generation = 0;
    BootTime expires_at;  // no_boot_end: not known
    BootTime at;
  };
  // What a revoker leaves to the next one of its token: no store has it.
  struct Legacy {
    std::deque<PendingRevocation> pending;  // by generation
    Generation noted = 0;                   // of the newest token that was ever put there
  };
  Revoker(const TokenConfig& config, Milliseconds lock_ttl, Parts parts, Legacy legacy);
  ~Revoker() override;

  // The name under which a token's revocations are coordinated.
  [[nodiscard]] static std::string coordinated_name(const std::string& token) { return token + "~revocation"; }

  // Notes that this record is current now; the token before it is revoked when its overlap has ended.
  void note(const Record& current);
  [[nodiscard]] const Legacy& legacy() const { return state_; }
  // Runs until it is cancelled, then throws system_error(operation_aborted).
  Task<> run();

 private:
  Task<> revoke(PendingRevocation pending);
  // True: this revocation needs no further action.
  Task<bool> settle(PendingRevocation pending);
  // `last`: the generation of the record until now.
  Task<bool> revoke_under(PendingRevocation pending, Lease lease, Generation last);
  void settled(Generation generation);  // of the token
  void postpone(Generation generation, BootTime at);
  [[nodiscard]] bool obsolete(const PendingRevocation& pending) const;
  // Another host has made the revocation.
  void hear(FleetEvent event) override {
    if (const auto* record = std::get_if<Record>(&event)) settled(record->token_generation());
  }
  [[nodiscard]] BootTime now() const { return parts_.timers.clock().boot_now(); }

  const TokenConfig& config_;
  const std::string name_;  // coordinated
  Milliseconds lock_ttl_;
  Parts parts_;
  Event wake_;
  Backoff backoff_;
  SecretString current_;  // the value that must not be revoked
  Legacy state_;
};

}  // namespace jeton::agent
