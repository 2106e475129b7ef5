// PausePolicy, step 6 of a refresh (agent/README.md): the time in which the fleet does not call the provider after a
// failure, and the events that end it early.
//
// A pause begins with a failure of this host, which shares it, or with one that the coordinator or another host
// reports. A pause after a permanent failure, or a long pause, ends when this host would send another request: the
// secret or the configuration was corrected. A newer token ends every pause; so does an operator.
//
// A pause that the coordinator has no more is lost or lifted. A host hears of a lift unless messages were missed; then
// the coordinator says when the last pause was lifted. One thread: the loop's.
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

  // What a policy leaves to that of the next loop.
  struct Legacy {
    std::optional<Pause> confirmed{};       // that the coordinator has, or had
    BootTime confirmed_at{};                // when it had it
    std::optional<Pause> outlasting{};      // that another host lifted for its own request
    std::optional<Pause> own{};             // that only this host knows of
    std::optional<ResumeReason> lifting{};  // the coordinator has not heard yet that the pause has ended
    bool lifts_in_files = false;            // of this host, before its next standalone fetch
    std::string failed_request{};
  };
  [[nodiscard]] Legacy legacy() const;
  void inherit(const Legacy& legacy);

  // Begins a pause after a failed fetch of this host, and shares it: no host calls the provider.
  Task<> begin(const SourceError& failure, FetchPath& path);
  // Begins a pause that the coordinator has reported, asked at that time.
  void begin_confirmed(const Pause& pause, BootTime asked_at);
  // Begins a pause after a fetch of this host that the coordinator does not know of; a resume of the fleet does not end
  // it.
  void begin_own(const Pause& pause);
  // Begins a pause of this host only: an admission was refused.
  void hold(const Pause& pause);
  // Notes a pause that another agent began. Its failure counts for the fleet: the next backoff of this agent continues
  // from it.
  void hear(const Pause& pause);
  // When the last of these was heard.
  [[nodiscard]] BootTime heard_at() const { return heard_at_; }

  // The pause of the fleet is lifted. That another host will send another request does not correct our request; that an
  // operator asked it for a token ends a pause for our request at the next look.
  void hear_resume(ResumeReason reason);
  // Ends the pause because a newer record has arrived. `success`: the record has a usable token.
  void end_by_record(bool success);
  // The coordinator answered; it may know of no pause. `may_be_lost`: it may have lost data since it was last asked.
  // True: it has lost the pause, which goes on.
  [[nodiscard]] bool check(const FetchUsage& usage, bool may_be_lost);
  // The same before the pause is written back: ends a pause that was lifted while this host could not hear it.
  void check_resumed(const FetchUsage& usage);
  // Ends the pause because a new token is wanted: on this host at once; in this host's files for standalone fetches,
  // and in the fleet, by lift_in_fleet(). (A token that keeps a state has no standalone fetch and no pause in these
  // files.)
  void lift(ResumeReason reason);
  // A secret or a token in the request may have been corrected: check the request now.
  void check_correction_soon();

  // Maintenance, each from its moment on.
  [[nodiscard]] BootTime lift_at() const { return lift_at_; }
  Task<> lift_in_fleet();
  [[nodiscard]] BootTime correction_check_at() const { return correction_check_at_; }
  Task<> resume_if_corrected();

  // The pause that the coordinator reported or stored, while it lasts; not a pause that is known only from a message.
  [[nodiscard]] std::optional<Pause> confirmed() const;

 private:
  // The fleet does not know of it yet.
  [[nodiscard]] bool is_lifting() const { return lifting_ || lift_at_ != BootTime::max(); }
  [[nodiscard]] Pause held() const;
  [[nodiscard]] Duration length_after(const SourceError& failure);
  [[nodiscard]] std::string own_request() const;
  void hold_since(const Pause& pause, BootTime known_at);
  void end();
  [[nodiscard]] BootTime now() const { return parts_.clock.boot_now(); }

  const TokenConfig& config_;
  Parts parts_;
  Backoff backoff_;  // after failures of the source, this agent's and those of others
  std::optional<Pause> confirmed_;
  BootTime confirmed_at_{};  // the coordinator had it then
  BootTime held_at_{};       // since when this host has known the present pause
  BootTime heard_at_{};
  std::optional<ResumeReason> resume_heard_;  // since the last pause of this host began to be shared
  BootTime resume_heard_at_{};
  bool outlasts_resume_ = false;  // another host has lifted the pause, which is for a request of this host, for its own
  BootTime unshared_until_{};     // the end of a pause that this host began and the coordinator does not know of
  std::string failed_request_;    // our request that the provider refused permanently or for a long time
  BootTime correction_check_at_ = BootTime::max();
  BootTime lift_at_ = BootTime::max();
  bool lifting_ = false;    // the fleet is asked to lift it
  bool lift_here_ = false;  // the pause in the files of this host is to end too, once, whatever becomes of the fleet's
  ResumeReason lift_reason_ = ResumeReason::request_differs;
  bool lift_is_news_ = false;  // this host knew of a pause
};

}  // namespace jeton::agent
