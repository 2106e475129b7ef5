// RefreshLoop: the life of one token (DESIGN.md section 4), as one coroutine.
//
// Touches the world only through what it is given: timers and their clock, chance, the coordinator, the source and the
// token store; the same code runs in the agent and, thousands of times, in a simulation. One thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/provider/source.hpp"
#include "agent/record/record_file.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/demand.hpp"
#include "agent/refresh/holds.hpp"
#include "agent/refresh/refresh_journal.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class LeaseKeeper;

// The fingerprint of a request that is made with this state: with another one it is another request.
[[nodiscard]] std::string request_with(std::string request, const SecretString& state);

class RefreshLoop final : private FleetListener {
 public:
  // All outlive the loop.
  struct Parts {
    Timers& timers;
    Random& random;
    Coordinator& coordinator;
    Source& source;
    TokenStore& store;
    Event& changed;    // notified at every change of the status
    std::string host;  // goes into the records this agent publishes
    // For an outage of the coordinator (outage.fetch_alone): one of this host's own. Null: nobody fetches meanwhile.
    Coordinator* alone = nullptr;
    Milliseconds fetch_alone{};  // so long before the token expires; without a token, so long after the outage began
    RecordKeeper* keeper = nullptr;                   // for a source that keeps a state
    const TokenValues* tokens = nullptr;              // for a source that uses another token
    bool refresh_is_asked = false;                    // of the loop before this one, which ended
    std::function<void(const Record&)> on_current{};  // this token is current, and newer or heard of again
  };

  RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts);
  ~RefreshLoop() override;

  // Until cancelled; then the lock is given back and system_error(operation_aborted) thrown. No other failure ends it.
  Task<> run();
  // The wall clock of this host was stepped.
  void clock_stepped();

  // A token that this one's source uses was renewed.
  void prerequisite_renewed();

  // The provider refused the token of this generation: a newer one is fetched if it still is the current one.
  DemandAnswer rejected(Generation generation);
  // An operator wants a new token now, within min_interval and budget; also ends the fleet's pause, whatever its
  // reason: the operator may have mended the cause at the provider, or may know better than its Retry-After.
  DemandAnswer refresh_now();

  // For the loop that takes this one's place after its end: the record with its state, which may be nowhere else, and
  // whether an operator still waits for a new token.
  [[nodiscard]] const std::optional<Record>& record() const { return current_.record(); }
  [[nodiscard]] bool refresh_is_asked() const { return demand_.is_asked(current_.generation()); }

  [[nodiscard]] TokenStatus status() const;
  // The current token while it is valid; for a source that uses it.
  [[nodiscard]] std::optional<SecretString> value() const;
  [[nodiscard]] const TokenConfig& config() const { return config_; }

 private:
  // The steps, in order.
  Task<> start();
  Task<> until_due();
  struct Held {
    Lease lease;
    Coordinator* from;  // whom it is held of: the fleet's coordinator, or this host's own in an outage
  };
  Task<std::optional<Held>> try_lock();
  Task<std::optional<Held>> try_lock_alone();
  Task<> refresh_under(Held held);
  // What became of a call to the provider.
  struct Fetched {
    std::optional<FetchedToken> token;
    std::optional<SourceError> failure;
    bool cancelled = false;  // the agent is told to stop; the answer counts all the same
  };
  Task<Fetched> fetch_under(LeaseKeeper& keeper, Coordinator& from);
  Task<Admission> admit(const Lease& lease, const FetchLimits& allowed, Coordinator& from);
  // True: the lock is given back, or is to be kept until it expires.
  Task<bool> publish(Record record, const Lease& lease, Coordinator& from);
  Task<> give_back(const Lease& lease, Coordinator& from);
  Task<> fetch_failed(const SourceError& failure, Coordinator& from);

  // When a refresh is due, and what holds it back: refresh_due.cpp.
  void became_due();
  [[nodiscard]] BootTime scheduled_at() const;
  [[nodiscard]] BootTime due_at() const;
  [[nodiscard]] std::string missing_prerequisite() const;
  [[nodiscard]] FetchLimits limits(const Coordinator& from) const;
  [[nodiscard]] BootTime budget_spent_until() const;
  void not_admitted(const Admission& refusal, const FetchLimits& allowed);
  [[nodiscard]] Duration pause_after(const SourceError& failure);
  void hold_for_pause(const Pause& pause);
  void hold_for_known_pause(const Pause& pause);
  void end_pause();
  [[nodiscard]] bool may_fetch_alone() const;
  [[nodiscard]] BootTime alone_at() const;
  void hold_for_claim(BootTime until);

  // The state that the source keeps: refresh_state.cpp.
  void adopt_kept();
  void keep(const Record& record);
  void keep_unread(const SourceError& failure);
  [[nodiscard]] Record with_state(const SecretString& state, Generation generation) const;
  [[nodiscard]] bool only_carries_state(const Record& record) const;
  [[nodiscard]] bool can_give_back() const;
  // What a request is known by: it is another one with another state.
  [[nodiscard]] std::string request_now() const;

  // Errands while it waits: refresh_errands.cpp; what it hears: refresh_signals.cpp.
  Task<> reload();
  Task<> ask_usage(bool may_be_lost);
  [[nodiscard]] bool counts_calls() const;
  [[nodiscard]] bool knows_pause() const;
  [[nodiscard]] bool knows_more_than_the_record() const;
  void note_usage(FetchUsage usage);
  void show_usage(const FetchUsage& usage);
  Task<> repair();
  Task<> give_record_back();
  Task<> give_counts_back();
  Task<> resume_if_mended();
  void demand(Demand::Reason reason, Duration patience = Duration{0});
  void note_rejection();
  void mark_rejected();
  [[nodiscard]] bool rejection_is_noted() const;
  // Of a record that was just fetched. `rejected`: in the place of a token that the provider refused.
  [[nodiscard]] std::uint32_t rejections_of(const Record& fetched, bool rejected) const;
  void source_changed();
  [[nodiscard]] DemandAnswer demand_answer() const;
  [[nodiscard]] std::string reason_of_hold(BootTime until) const;
  [[nodiscard]] bool demanded() const { return demand_.stands(current_.generation()); }
  Task<> lift_pause();
  Task<> announce_rejection();
  // A success ends the trouble of its own step and of those before it. That a server can be read, and takes a pause or
  // ends one, says nothing about the lock; that the lock can be taken says nothing about an admission that is refused
  // again and again.
  enum class Step { load, upkeep, lock, admit, publish };
  void coordinator_answered(Step step);
  void coordinator_failed(Step step, const std::string& doing, const TransportError& failure);
  void alone_failed(const TransportError& failure);
  void take(Record record);
  void take_stored(Record record);  // one that the coordinator has
  [[nodiscard]] BootTime now() const { return parts_.timers.clock().boot_now(); }

  void on_record(Record record) override;
  void on_claim(BootTime until) override;
  void on_release() override;
  void on_pause(Pause pause) override;
  void on_usage(FetchUsage usage) override;
  void on_resume() override;
  void on_rejected(Generation generation) override;
  void on_unreadable(const std::string& why) override { journal_.record_refused(why); }
  void on_gap() override;
  void on_lost() override;

  TokenConfig config_;
  Milliseconds lock_ttl_;
  Parts parts_;
  RefreshJournal journal_;
  CurrentToken current_;
  Holds holds_;
  Demand demand_;
  Event wake_;             // something that until_due() waits for may have changed
  Backoff fetch_backoff_;  // after failures of the source, this agent's and those heard of
  Backoff reach_backoff_;  // while the coordinator cannot be reached

  BootTime missing_due_{};                // without a valid token: when to try, a few milliseconds after the loss
  BootTime next_poll_{};                  // the fallback for lost messages
  BootTime repair_at_ = BootTime::max();  // the coordinator lost our record: give it back then
  bool reload_wanted_ = false;
  bool by_operator_ = false;                  // the next fetch, which may send what would wait for a person
  Generation kept_ = 0;                       // of the record that the keeper has
  Generation in_store_ = 0;                   // of the newest record that the coordinator had, as this run knows
  Generation announce_rejected_ = 0;          // the fleet is yet to be told that it was refused
  BootTime lift_at_ = BootTime::max();        // end the fleet's pause then
  const char* lift_reason_ = "";              // why, for the log; empty: this host knows of none
  FetchUsage usage_;                          // as the coordinator last answered
  FetchUsage heard_usage_;                    // of a message since then; anybody may have sent it
  std::optional<BootTime> outage_since_;      // the coordinator cannot be reached, or refuses, since then
  Step failing_step_ = Step::load;            // the furthest one that failed since then
  std::optional<Pause> known_pause_;          // that the coordinator answered or this host began; no message counts
  bool pause_shared_ = true;                  // the coordinator knows of the pause that this host began
  std::string failed_request_;                // the request of ours that the provider refused for good or for long
  BootTime mend_check_at_ = BootTime::max();  // a pause for such a request: look whether ours is another by now
};

}  // namespace jeton::agent
