// CurrentToken: the newest record this host knows, kept in step with the segment.
//
// Generations only rise: an older record is ignored wherever it comes from. The segment names the token by the
// generation under which it was first published, so that readers who wait for a newer one wait for another token;
// records without a token are not written to it. By the boot clock, a generation never ends later than this host knew
// before, whatever the wall clock or a coordinator says. Timers handle the two moments that come without a message: the
// token's expiry and the end of the previous token's overlap. One thread: the loop's. tests/model/fence.pml is a model
// of the order of generations.
#pragma once

#include <algorithm>
#include <optional>

#include "agent/base/timers.hpp"
#include "agent/refresh/schedule.hpp"
#include "agent/refresh/token_status.hpp"
#include "agent/segment/token_store.hpp"

namespace jeton::agent {

class CurrentToken {
 public:
  // `on_expiry` is called on the loop when the token runs out. All references outlive the object.
  CurrentToken(const TokenConfig& config, TokenStore& store, Timers& timers, Random& random,
               Timers::Callback on_expiry);
  ~CurrentToken();

  // Takes the record that an earlier run left in the segment. Writes the segment only if the clocks now give other
  // times.
  void adopt();
  // False: the record is older than the current one, and ignored. Writes the segment if the record has anything new.
  // Throws Error if the segment cannot be written; the record is current nevertheless, as in the fleet, and the write
  // is tried again every few seconds.
  bool accept(Record record);
  // The wall clock was stepped: every deadline is computed again, and readers get the times by the new clock.
  void reschedule();
  // The last write of the segment failed. It is tried again, by this object.
  [[nodiscard]] bool segment_is_behind() const { return segment_is_behind_; }

  [[nodiscard]] const std::optional<Record>& record() const { return record_; }
  // The generation of the publication; it orders records.
  [[nodiscard]] Generation generation() const { return record_ ? record_->generation : 0; }
  // The generation by which readers of this host know the token; 0: there has been no token.
  [[nodiscard]] Generation token_generation() const { return shown_; }
  [[nodiscard]] bool valid() const;
  // The time at which the refresh is due by schedule; empty without a valid token.
  [[nodiscard]] std::optional<BootTime> refresh_due() const;
  [[nodiscard]] Milliseconds grace() const { return schedule_.grace; }
  // The generation of a token that is fetched under a lease with this fence. Called when the lease is taken: a
  // coordinator that lost its counter may give a fence below the generations that this host has seen until then; but a
  // generation that it sees later comes from a newer lease, and must win.
  [[nodiscard]] Generation next_generation(std::uint64_t fence) const {
    return fence > generation() ? fence : own_generation(fence);
  }
  // The same for a host without a common store that gives several hosts different fences: there is no store, or it has
  // lost its data. Several hosts may follow the same record at the same time, with clocks that agree to the millisecond
  // or are all behind its generation, and two tokens of one generation would be taken for the same token. So the result
  // is a random step above the least.
  [[nodiscard]] Generation own_generation(std::uint64_t fence) const;
  // The next record, with the present token as its previous token while that has overlap left. If the provider returns
  // the same token again while it is valid, the token keeps the generation by which readers know it. `asked_at`: before
  // the request was sent; from then on the token has its lifetime. `revokes`: the present token is named without an
  // overlap, too, because the hosts have to know what is to be revoked.
  [[nodiscard]] Record successor(FetchedToken fetched, BootTime asked_at, Generation generation,
                                 const std::string& host, bool revokes) const;
  // The record that brings `state` and no new token: the present token under another generation, which stays the same
  // token to its readers. Without a token a blank record carries the state.
  [[nodiscard]] Record with_state(const SecretString& state, Generation generation, const std::string& host) const;
  // Whether only the state is new in the record: with_state() made it, here or on another host.
  [[nodiscard]] bool only_carries_state(const Record& record) const;
  // Corrects the times of a record that was made some time ago, before it is published: the clock may have been stepped
  // since.
  void bind(Record& record) const;
  // The provider refused the token. Readers see that once the segment has the token. Throws Error if the segment
  // cannot be written.
  void mark_rejected();
  [[nodiscard]] bool rejected() const { return shown_ != 0 && rejected_ == shown_; }

  void describe(TokenStatus& status) const;

 private:
  void show();
  void show_again();
  [[nodiscard]] Milliseconds wall_offset() const;
  void watch();
  void watch_moment(Timers::Id& timer, BootTime moment, Timers::Callback callback);
  void draw_schedule();
  void correct_schedule();
  void hasten_given_again();
  void rewrite();
  void expire();
  void end_overlap();

  const TokenConfig& config_;
  TokenStore& store_;
  Timers& timers_;
  Random& random_;
  Timers::Callback on_expiry_;
  std::optional<Record> record_;
  Generation shown_ = 0;
  Generation rejected_ = 0;  // by readers' generations; a segment that cannot be written may still have an older token
  // The wall clock minus the boot clock when this value was new on this host; dates of the value refer to that.
  Milliseconds dated_by_{};
  Schedule schedule_;
  Timers::Id expiry_timer_ = 0;
  Timers::Id overlap_timer_ = 0;
  Timers::Id retry_timer_ = 0;  // of a write to the segment that failed
  bool segment_is_behind_ = false;
};

}  // namespace jeton::agent
