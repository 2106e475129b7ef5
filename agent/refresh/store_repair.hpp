// StoreRepair: keeps the coordinator's data and this host's knowledge in step. It does a resync, that is it reads the
// published record, when messages may have been missed; and it repairs the coordinator's store after a data loss: it
// writes the record, the count of calls and the pause again.
//
// Where the coordinator reports losses, a quiet token costs a resync every five minutes, for changes without a message.
// Where it does not, the resync finds the loss: every half a minute. News from a message alone is checked as soon.
//
// The delay before a repair is drawn like that of a refresh: after the first host has done it, the others need not.
// tests/model/fence.pml is a model of the repair. One thread: the loop's.
#pragma once

#include <algorithm>
#include <functional>

#include "agent/base/event.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/refresh/pause_policy.hpp"

namespace jeton::agent {

class StoreRepair {
 public:
  // All outlive the object.
  struct Parts {
    const Clock& clock;
    Random& random;
    RecordStore& records;
    FetchBudget& budget;
    FleetSignals& signals;
    const CurrentToken& current;
    FleetView& fleet;
    PausePolicy& pauses;
    Outage& outage;
    RefreshJournal& journal;
    Event& wake;
    std::function<void(Record)> take_stored;  // the coordinator has this record
  };
  StoreRepair(const TokenConfig& config, Parts parts);

  // Requests a resync at the next turn: messages may have been missed, or the clock was stepped.
  void reload_soon();
  // The coordinator may have lost the record: a repair follows soon.
  void hear_loss();
  // The coordinator does not have our record yet: the repair writes it at this moment.
  void repair_from(BootTime moment) { repair_at_ = moment; }
  // Another host has repaired the store, or has a newer record: no repair is needed, unless this host knows of more.
  void cancel_repair();
  // Notes that the coordinator has, or had, the record of this generation.
  void note_stored(Generation generation) { in_store_ = std::max(in_store_, generation); }

  // Notes the coordinator's count of calls to the provider, in an answer that settles every message of before.
  void note_usage(const FetchUsage& usage) { parts_.fleet.note_usage(usage, now()); }

  // Takes over the count that the loop before this one knew; the pauses have its pause. The coordinator may have lost
  // either since.
  void inherit(const FetchUsage& counted);

  // Maintenance, each from its moment on. Computed anew after each event: the moment of a resync may have come nearer.
  [[nodiscard]] BootTime reload_at();
  Task<> reload();
  [[nodiscard]] BootTime repair_at() const { return repair_at_; }
  Task<> repair();

  // The time of the next resync, if no message makes it earlier.
  [[nodiscard]] BootTime next_look() const { return std::min(next_look_, check_at_); }

 private:
  // Something is known from a message only, or a loss may not be reported.
  [[nodiscard]] bool is_doubtful() const;
  // A fleet does not look in step.
  [[nodiscard]] BootTime moment_in(Duration interval) const;
  Task<bool> ask_usage();
  Task<> restore_record();
  Task<> restore_counts();
  [[nodiscard]] bool can_restore_record() const;
  [[nodiscard]] BootTime now() const { return parts_.clock.boot_now(); }

  const TokenConfig& config_;
  Parts parts_;
  bool reload_wanted_ = false;
  bool may_be_lost_ = false;             // the store may have lost something since it was last looked at
  BootTime next_look_{};                 // the fallback for lost messages
  BootTime check_at_ = BootTime::max();  // a look before that, for news from a message alone
  BootTime repair_at_ = BootTime::max();
  BootTime repaired_at_{};      // by any host
  int unkept_ = 0;              // losses in a row that each came soon after a repair
  Generation counted_for_ = 0;  // the current record when the count of calls was last read
  Generation in_store_ = 0;     // of the newest record that the coordinator had, as this run knows
};

}  // namespace jeton::agent
