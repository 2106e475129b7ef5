// RefreshJournal: the history of one token, for people: the counters and the last error of its status, its share of the
// host's tally, its last events, and one line in the log for each event that an operator should know. A lasting failure
// is logged when it begins and when it ends.
//
// It only writes: no other part reads it to decide. One thread: the loop's.
#pragma once

#include <optional>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/log_pace.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/provider/source.hpp"
#include "agent/refresh/refresh_tally.hpp"
#include "agent/refresh/token_history.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class RefreshJournal {
 public:
  // Each may be null: then the figures, or the events, are not kept.
  struct Listeners {
    RefreshTally* tally = nullptr;    // of the host
    TokenHistory* history = nullptr;  // of the token
  };

  // All outlive the journal. `changed` is notified at every change of the status.
  RefreshJournal(const TokenConfig& config, const Source& source, const Clock& clock, Event& changed, std::string host,
                 Listeners listeners);

  // For people only: counters, phase, lock and last error; other parts fill in the rest.
  [[nodiscard]] const TokenStatus& status() const { return status_; }

  void adopted(const Record& record);
  void phase(RefreshPhase phase);
  void trying_lock() { ++status_.lock_attempts; }
  void lock_won(std::uint64_t fence, bool standalone);
  void lock_released() {
    status_.holds_lock = false;
    changed_.notify();
  }
  void lock_trouble(const std::string& what_to_do);  // empty: none (any more)
  void fetching(RefreshReason reason);
  // Of the refresh that the last call to the provider was for; nothing without one.
  void refresh_ended(RefreshOutcome outcome);
  void paused(const Pause& pause);             // the status has it from the fleet view
  void pause_changed() { changed_.notify(); }  // it ended, or the schedule is held back
  void resumed(const std::string& reason);
  void rejected(Generation generation, std::uint32_t in_a_row);  // this one included
  void refresh_asked();
  void waits_for(const std::string& token);  // another one, without which a fetch makes no sense; empty: none
  void state_trouble(const std::string& doing, const std::exception& failure);  // "read", "keep"
  void answer_kept();  // one that cannot be read and may hold what the next fetch needs
  void source_changed();
  void lock_holder(const std::string& owner);  // another one; empty: none, or not known

  void fetch_failed(const SourceError& failure, Duration retry_in);
  void not_admitted(FetchRefusal reason, Duration retry_in);
  void standalone_refused(const std::string& reason);
  void published(const Record& record, bool standalone);
  void publication_refused(const Record& record, Generation current);
  void repaired(const Record& record, bool was_lost);  // `was_lost`: the coordinator once had it
  void record_refused(const std::string& why);         // one that came from the coordinator
  void record_older(Generation generation);            // than the one in the segment
  void segment_failed(const std::exception& failure);
  // A newer token has arrived from any host: earlier failures are over.
  void renewed(const Record& record);

  // A newer record has arrived with the token that the provider had refused.
  void given_again(const Record& record);

  // The failure is over.
  void coordinator_answered();
  // `begins`: the first failure of this outage.
  void coordinator_failed(const std::string& doing, const TransportError& failure, bool begins);

 private:
  void error(std::string message);
  // The trouble that the error was about is over; a failure of the source is not.
  void forget_error() {
    if (status_.consecutive_failures == 0) status_.last_error.clear();
  }
  void note(std::string event, std::string text, Generation generation = 0, std::string host = {},
            std::optional<Duration> lasts = std::nullopt);
  void received(const Record& record);
  [[nodiscard]] const std::string& name() const { return config_.name; }

  const TokenConfig& config_;
  const Source& source_;
  const Clock& clock_;
  Event& changed_;
  std::string host_;
  RefreshTally* tally_;
  TokenHistory* history_;
  TokenStatus status_;
  struct Refresh {
    RefreshReason reason;
    BootTime began_at;
  };
  std::optional<Refresh> refresh_;  // under way
  std::string lock_trouble_;
  std::string waits_for_;
  std::string failed_reason_;  // of the last failure of this host
  bool standalone_refusal_reported_ = false;
  bool budget_reported_ = false;
  LogPace older_records_;  // any client may publish an old message again
};

}  // namespace jeton::agent
