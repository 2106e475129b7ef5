// RefreshLoop: the life of one token (agent/README.md, "The refresh in steps"), as one coroutine.
//
// refresh_loop.cpp has the steps, and take(), the one place where a record becomes current; refresh_events.cpp has the
// connections of the parts and the events from outside. Each other concern has a class: knowledge of the fleet
// (FleetView), pauses (PausePolicy), a store that lost data (StoreRepair), an outage (Outage, StandaloneFetch), the
// kept state (StateKeeper), the work under the lock (LockedRefresh).
//
// Touches the world only through its parameters: timers and their clock, chance, the coordinator, the source and the
// token store; the same code runs in the agent and, thousands of times, in a simulation. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/fleet/coordinator.hpp"
#include "agent/refresh/fleet_fetch.hpp"
#include "agent/refresh/locked_refresh.hpp"

namespace jeton::agent {

class RefreshLoop final : private FleetListener {
 public:
  // The state that a loop leaves to its successor, besides the record: the coordinator may be out of reach, or have
  // lost it.
  struct Legacy {
    bool refresh_is_asked = false;  // an operator still waits for a new token
    bool has_consent = false;       // the fetch that the operator asked for has not been made yet
    FetchUsage counted{};           // the calls to the provider, in the last answer of the coordinator
    PausePolicy::Legacy pauses{};
    bool segment_is_behind = false;  // its last write failed
  };
  // All outlive the loop.
  struct Parts {
    Timers& timers;
    Random& random;
    Coordinator& coordinator;
    Source& source;
    TokenStore& store;
    Event& changed;    // notified at every change of the status
    std::string host;  // goes into the records this agent publishes
    // For an outage of the coordinator (outage.fetch_alone): one of this host's own. Null: this host does not fetch
    // meanwhile.
    Coordinator* standalone = nullptr;
    Milliseconds fetch_alone{};  // so long before the token expires; without a token, so long after the outage began
    RecordKeeper* keeper = nullptr;                   // for a source that keeps a state
    const TokenValues* tokens = nullptr;              // for a source that uses another token
    Legacy legacy{};                                  // of the loop before this one, which ended
    std::function<void(const Record&)> on_current{};  // this token is current, and newer or heard of again
    RefreshTally* tally = nullptr;                    // of the host
    TokenHistory* history = nullptr;                  // gets the events of the token
  };

  RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts);
  ~RefreshLoop() override;

  // Until cancelled; then it throws system_error(operation_aborted), and the lock is released (locked_refresh.hpp).
  // No other failure ends it.
  Task<> run();
  // The wall clock of this host was stepped.
  void clock_stepped();
  // A token that this one's source uses was renewed.
  void prerequisite_renewed();

  // The provider refused the token of this generation: a newer one is fetched if it still is the current one.
  RefreshAnswer rejected(Generation generation);
  // An operator wants a new token now, within min_interval and budget; also ends the fleet's pause, whatever its
  // reason: the operator may have corrected the cause at the provider, or may know better than its Retry-After.
  RefreshAnswer refresh_now();

  // For the loop that takes this one's place after its end; the record has its state, which may be nowhere else.
  [[nodiscard]] const std::optional<Record>& record() const { return current_.record(); }
  [[nodiscard]] Legacy legacy() const;

  [[nodiscard]] TokenStatus status() const;
  // The current token while it is valid; for a source that uses it.
  [[nodiscard]] std::optional<SecretString> value() const;
  [[nodiscard]] const TokenConfig& config() const { return config_; }

 private:
  Task<> start();
  void inherit();
  Task<> until_due();
  Task<bool> maintain();
  void take(Record record);
  void take_stored(Record record);

  void hear(FleetEvent event) override;
  void on(Record record);
  void on(ClaimEvent claim);
  void on(ReleaseEvent);
  void on(const Pause& pause) { pauses_.hear(pause); }
  void on(FetchUsage usage);
  void on(ResumeEvent resume) { pauses_.hear_resume(resume.reason); }
  void on(RejectionEvent rejection);
  void on(const UnreadableEvent& unreadable) { journal_.record_refused(unreadable.why); }
  void on(GapEvent);
  void on(LossEvent);

  void request(RefreshRequest::Reason reason, Duration patience = Duration{0});
  void source_changed();
  void became_due();
  [[nodiscard]] RefreshAnswer answer() const { return timing_.answer(repair_.next_look()); }
  [[nodiscard]] std::unique_ptr<StandaloneFetch> make_standalone(Milliseconds lock_ttl);
  [[nodiscard]] const Clock& clock() const { return parts_.timers.clock(); }
  [[nodiscard]] BootTime now() const { return clock().boot_now(); }
  // `moment` is computed first: one of the schedule comes out a moment later with each look (locked_refresh.cpp).
  [[nodiscard]] bool is_past(BootTime moment) const { return now() >= moment; }

  // Each uses only those above it; the callbacks (take, became_due) are the exception.
  TokenConfig config_;
  Parts parts_;
  Event wake_;  // something that until_due() waits for may have changed
  RefreshJournal journal_;
  CurrentToken current_;
  RefreshRequest request_;
  FleetView fleet_;
  Outage outage_;
  std::unique_ptr<StandaloneFetch> standalone_;  // null: this host fetches by the coordinator only
  RefreshTiming timing_;
  PausePolicy pauses_;
  StoreRepair repair_;
  StateKeeper state_;
  Rejections rejections_;
  FleetFetch fleet_fetch_;
  LockedRefresh refresh_;
};

}  // namespace jeton::agent
