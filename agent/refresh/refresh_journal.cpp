#include "agent/refresh/refresh_journal.hpp"

#include "agent/base/log.hpp"
#include "agent/refresh/refresh_request.hpp"

namespace jeton::agent {

RefreshJournal::RefreshJournal(const TokenConfig& config, const Source& source, const Clock& clock, Event& changed,
                               std::string host, Listeners listeners)
    : config_(config),
      source_(source),
      clock_(clock),
      changed_(changed),
      host_(std::move(host)),
      tally_(listeners.tally),
      history_(listeners.history) {}

void RefreshJournal::adopted(const Record& record) {
  note("adopted", record.valid(clock_) ? "" : "expired", record.token_generation(), record.fetched_by);
  log::info(
      log::token_adopted, "token of an earlier run found in the segment",
      {{"token", name()}, {"generation", record.generation}, {"valid", record.valid(clock_) ? "yes" : "no, expired"}});
}

void RefreshJournal::phase(RefreshPhase phase) {
  if (status_.phase == phase) return;
  status_.phase = phase;
  changed_.notify();
}

void RefreshJournal::lock_won(std::uint64_t fence, bool standalone) {
  status_.fence = fence;
  status_.holds_lock = true;
  note("lock", (standalone ? "of this host only, in an outage; fence " : "fence ") + std::to_string(fence), 0, host_);
  if (standalone) {
    log::warning(
        log::standalone_fetch,
        "the coordinator cannot be reached, or refuses, and the token expires soon: this host makes a standalone fetch",
        {{"token", name()}});
  }
}

void RefreshJournal::lock_trouble(const std::string& what_to_do) {
  if (lock_trouble_ == what_to_do) return;
  lock_trouble_ = what_to_do;
  if (what_to_do.empty()) {
    forget_error();
    return;
  }
  error(what_to_do);
  note("blocked", what_to_do);
  log::error(log::updater_lock_blocked, "the updater lock blocks the refresh",
             {{"token", name()}, {"error", what_to_do}});
}

void RefreshJournal::fetching(RefreshReason reason) {
  refresh_ = Refresh{reason, clock_.boot_now()};
  ++status_.fetches;
  status_.last_fetch_at = clock_.wall_now();
  phase(RefreshPhase::fetching);
}

void RefreshJournal::refresh_ended(RefreshOutcome outcome) {
  const auto ended = std::exchange(refresh_, std::nullopt);
  if (ended && tally_ != nullptr) tally_->add(ended->reason, outcome, clock_.boot_now() - ended->began_at);
}

// After a failure of this host the pause is that of the failure.
void RefreshJournal::paused(const Pause& pause) {
  changed_.notify();
  if (history_ == nullptr) return;
  const auto& events = history_->events();
  const bool known = !events.empty() && events.back().event == "failed" && failed_reason_ == pause.reason;
  if (!known) note("paused", pause.reason, 0, {}, pause.until - clock_.boot_now());
}

void RefreshJournal::rejected(Generation generation, std::uint32_t in_a_row) {
  ++status_.rejections_reported;
  note("rejected", in_a_row > 1 ? std::to_string(in_a_row) + " in a row" : "", generation, host_);
  if (in_a_row < alarming_rejections) {
    log::warning(log::token_rejected, "the provider rejected the token; a new one is fetched",
                 {{"token", name()}, {"generation", generation}});
    changed_.notify();
    return;
  }
  const std::string what = "the provider rejected " + std::to_string(in_a_row) +
                           " tokens in a row, each soon after it was fetched; check the account and its permissions";
  error(what);
  log::error(log::tokens_rejected_in_a_row, what, {{"token", name()}, {"generation", generation}});
}

void RefreshJournal::refresh_asked() {
  note("asked", "by an operator", 0, host_);
  log::info(log::refresh_asked, "an operator asked for a new token", {{"token", name()}});
}

void RefreshJournal::waits_for(const std::string& token) {
  if (waits_for_ == token) return;
  const std::string before = std::exchange(waits_for_, token);
  if (token.empty()) {
    log::info(log::used_token_back, "the token that the source uses is valid again",
              {{"token", name()}, {"used", before}});
    forget_error();
    changed_.notify();
    return;
  }
  error("waits for the token " + token + ", which its source uses and which is not valid now");
  note("blocked", "waits for the token " + token);
  log::warning(log::used_token_missing,
               "the source uses a token that is not valid now; the fetch waits until it is valid",
               {{"token", name()}, {"used", token}});
}

void RefreshJournal::state_trouble(const std::string& doing, const std::exception& failure) {
  const std::string what = "cannot " + doing + " the state on disk";
  error(what + ": " + failure.what());
  note("state", status_.last_error);
  log::error(log::state_not_kept, what + "; it is in memory, and with Redis in the coordinator: a restart may lose it",
             {{"token", name()}, {"error", failure.what()}});
}

void RefreshJournal::answer_kept() {
  note("state", "an answer that cannot be read is kept: jeton-agent answers " + name());
  log::error(
      log::unreadable_answer,
      "an answer of the provider cannot be read and may hold a new refresh token; it is kept, sealed, on this host",
      {{"token", name()}, {"read_it_with", "jeton-agent answers " + name()}});
}

void RefreshJournal::source_changed() {
  note("changed", "the source");
  log::info(log::source_changed, "the source has changed", {{"token", name()}});
}

void RefreshJournal::lock_holder(const std::string& owner) {
  if (status_.lock_holder == owner) return;
  status_.lock_holder = owner;
  changed_.notify();
}

void RefreshJournal::resumed(const std::string& reason) {
  note("resumed", reason);
  log::info(log::pause_lifted, "pause lifted", {{"token", name()}, {"reason", reason}});
  changed_.notify();
}

void RefreshJournal::fetch_failed(const SourceError& failure, Duration retry_in) {
  ++status_.fetch_failures;
  ++status_.consecutive_failures;
  error(failure.what());
  failed_reason_ = failure.what();
  note("failed", failure.what(), 0, host_, retry_in);
  const bool permanent = failure.kind() == SourceError::Kind::permanent;
  log::write(log::fetch_failed, permanent ? log::Level::error : log::Level::warning,
             permanent ? "fetch failed permanently; an operator must act" : "fetch failed",
             {{"token", name()},
              {"source", source_.describe()},
              {"error", failure.what()},
              {"retry_in_ms", to_ms(retry_in).count()}});
}

void RefreshJournal::not_admitted(FetchRefusal reason, Duration retry_in) {
  if (reason != FetchRefusal::budget || std::exchange(budget_reported_, true)) return;
  note("spent", std::to_string(config_.budget.calls) + " calls", 0, {}, retry_in);
  log::error(log::budget_spent,
             "the budget is spent: the token is not refreshed until the window ends, or budget.calls is raised",
             {{"token", name()},
              {"calls", config_.budget.calls},
              {"reserve", config_.budget.reserve},
              {"retry_in_ms", to_ms(retry_in).count()}});
}

void RefreshJournal::standalone_refused(const std::string& reason) {
  error("the coordinator cannot be reached, or refuses, and this host may make no more standalone fetches: " + reason +
        " (see budget.alone); the token is refreshed when the coordinator can be reached again");
  if (std::exchange(standalone_refusal_reported_, true)) return;
  note("spent", "no more standalone fetches: " + reason);
  log::error(
      log::standalone_spent,
      "this host may make no more standalone fetches; the token is refreshed when the coordinator can be reached again",
      {{"token", name()}, {"reason", reason}});
}

void RefreshJournal::published(const Record& record, bool standalone) {
  ++status_.publications;
  const char* noted = standalone ? "standalone" : "";
  const char* logged = standalone ? "token refreshed by a standalone fetch" : "token refreshed";
  if (record.first_generation != 0) {
    noted = "the same token again";
    logged = "the provider returned the same token again";
  }
  note("fetched", noted, record.token_generation(), host_);
  log::info(log::token_refreshed, logged,
            {{"token", name()},
             {"generation", record.token_generation()},
             {"fingerprint", record.value.fingerprint()},
             {"lifetime_s", (record.expires_at - record.issued_at) / std::chrono::seconds(1)},
             {"fence", status_.fence}});
}

void RefreshJournal::publication_refused(const Record& record, Generation current) {
  ++status_.publications_refused;
  note("refused", "late: the fleet has generation " + std::to_string(current), record.generation, host_);
  log::warning(log::publication_refused, "late publication refused: the fleet has a newer token; its fence decides",
               {{"token", name()}, {"generation", record.generation}, {"current", current}});
}

void RefreshJournal::repaired(const Record& record, bool was_lost) {
  note("repaired", was_lost ? "the coordinator had lost it" : "the coordinator did not have it yet",
       record.token_generation(), host_);
  log::write(log::record_repaired, was_lost ? log::Level::warning : log::Level::info,
             was_lost ? "coordinator had lost the token; published it again from this host's segment"
                      : "the coordinator did not have the token yet; published the one of this host",
             {{"token", name()}, {"generation", record.token_generation()}});
}

void RefreshJournal::record_refused(const std::string& why) {
  ++status_.records_refused;
  error("a record from the coordinator was refused: " + why);
}

void RefreshJournal::record_older(Generation generation) {
  ++status_.records_refused;
  if (!older_records_.allows(clock_.boot_now())) return;
  log::info(log::record_ignored, "ignored a record older than the one in the segment",
            {{"token", name()}, {"generation", generation}});
}

void RefreshJournal::segment_failed(const std::exception& failure) {
  error(failure.what());
  note("segment", failure.what());
  log::error(log::segment_failed, "cannot write the segment", {{"token", name()}, {"error", failure.what()}});
}

void RefreshJournal::received(const Record& record) {
  budget_reported_ = false;
  status_.lock_holder.clear();
  status_.consecutive_failures = 0;
  if (record.fetched_by == host_) return;
  note("received", "", record.token_generation(), record.fetched_by);
  log::info(log::token_received, "token received from the fleet",
            {{"token", name()}, {"generation", record.token_generation()}, {"fetched_by", record.fetched_by}});
}

void RefreshJournal::renewed(const Record& record) {
  received(record);
  status_.last_error.clear();
}

void RefreshJournal::given_again(const Record& record) {
  received(record);
  const bool alarming = record.rejections >= alarming_rejections;
  const std::string what = "the provider returned the rejected token again" +
                           (alarming ? ", " + std::to_string(record.rejections) + " times in a row" : std::string()) +
                           "; check the account and its permissions";
  error(what);
  note("again", what, record.token_generation(), record.fetched_by);
  if (record.fetched_by != host_) return;
  log::write(log::same_token_again, alarming ? log::Level::error : log::Level::warning, what,
             {{"token", name()}, {"generation", record.token_generation()}});
}

void RefreshJournal::coordinator_answered() {
  standalone_refusal_reported_ = false;
  note("reached", "the coordinator");
  log::info(log::coordinator_back, "coordinator reached again", {{"token", name()}});
  forget_error();
}

void RefreshJournal::coordinator_failed(const std::string& doing, const TransportError& failure, bool begins) {
  error("cannot " + doing + ": " + failure.what());
  if (!begins) return;
  note("outage", status_.last_error);
  log::warning(log::coordinator_lost, "cannot " + doing + "; tokens stay readable, nothing is fetched meanwhile",
               {{"token", name()}, {"error", failure.what()}});
}

void RefreshJournal::note(std::string event, std::string text, Generation generation, std::string host,
                          std::optional<Duration> lasts) {
  if (history_ == nullptr) return;
  HistoryEvent noted;
  noted.at = clock_.wall_now();
  noted.event = std::move(event);
  noted.generation = generation;
  noted.host = std::move(host);
  if (lasts) noted.lasts = to_ms(*lasts);
  noted.text = std::move(text);
  history_->note(std::move(noted));
}

void RefreshJournal::error(std::string message) {
  status_.last_error = std::move(message);
  status_.last_error_at = clock_.wall_now();
  changed_.notify();
}

}  // namespace jeton::agent
