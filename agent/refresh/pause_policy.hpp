// PausePolicy, step 6 of a refresh (agent/README.md): the time in which the fleet does not call the provider after a
// failure, and the events that end it early.
//
// A pause begins with a failure of this host, which shares it, or is one that the coordinator or another host knows. A
// pause for a request that failed for good, or for long, ends when this host would send another request: the secret or
// the configuration was corrected. A newer token ends every pause; so does an operator. One thread: the loop's.
#pragma once

#include <optional>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/provider/source.hpp"
#include "agent/refresh/fleet_view.hpp"
#include "agent/refresh/standalone_fetch.hpp"

namespace jeton::agent {

// The fingerprint of a request that is made with this state: with another state it is another request.
[[nodiscard]] std::string request_with(std::string request, const SecretString& state);

class PausePolicy {
 public:
  // All outlive the policy.
  struct Parts {
    const Clock& clock;
    Random& random;
    FleetSignals& signals;
    StandaloneFetch* standalone;  // null: this host fetches by the coordinator only
    const Source& source;
    const CurrentToken& current;
    FleetView& fleet;
    Outage& outage;
    RefreshJournal& journal;
    Event& wake;
  };
  PausePolicy(const TokenConfig& config, Parts parts);

  // This host's fetch failed: the others do not call the provider either.
  Task<> begin(const SourceError& failure, FetchPath& path);
  // As the coordinator said.
  void begin_confirmed(const Pause& pause);
  // Of a fetch of this host: the coordinator does not know of it, and the fleet's resume does not end it.
  void begin_own(const Pause& pause);
  // Of this host only: an admission was refused.
  void hold(const Pause& pause);
  // Another agent's failure is the fleet's: the next backoff of this agent goes on from there.
  void hear(const Pause& pause);

  // Another host lifted it, and will send another request; that does not correct ours.
  void hear_resume();
  // A newer record is here. `success`: with a token that can be used.
  void end_by_record(bool success);
  // The coordinator answered; it may know of no pause.
  void check(const FetchUsage& usage);
  // A new token is wanted although the fleet is held back. Here at once; in the files of this host that a standalone
  // fetch asks, and in the fleet, by lift_in_fleet(). (A token that keeps a state has no standalone fetch and no pause
  // in these files.)
  void lift(const std::string& reason);
  // A secret or a token in the request may be corrected: look now.
  void check_correction_soon();

  // Maintenance, each from its moment on.
  [[nodiscard]] BootTime lift_at() const { return lift_at_; }
  Task<> lift_in_fleet();
  [[nodiscard]] BootTime correction_check_at() const { return correction_check_at_; }
  Task<> resume_if_corrected();

  // The pause that the coordinator named or took, while it lasts; no pause of a message alone.
  [[nodiscard]] std::optional<Pause> confirmed() const;

 private:
  [[nodiscard]] Duration length_after(const SourceError& failure);
  [[nodiscard]] std::string own_request() const;
  void end();
  [[nodiscard]] BootTime now() const { return parts_.clock.boot_now(); }

  const TokenConfig& config_;
  Parts parts_;
  Backoff backoff_;  // after failures of the source, this agent's and those of others
  std::optional<Pause> confirmed_;
  bool resume_heard_ = false;   // since the last pause of this host began to be shared
  BootTime unshared_until_{};   // the end of a pause that this host began and the coordinator does not know of
  std::string failed_request_;  // the request of ours that the provider refused for good or for long
  BootTime correction_check_at_ = BootTime::max();
  BootTime lift_at_ = BootTime::max();
  bool lift_here_ = false;   // the pause in the files of this host is to end too, once, whatever becomes of the fleet's
  std::string lift_reason_;  // for the log; empty: this host knows of no pause
};

}  // namespace jeton::agent
