// A refresh that is requested before its time (RefreshRequest), and the rejections by the provider, which are the most
// frequent reason for one (Rejections).
//
// A provider that rejects every token that it issues must not cause a loop of fetches: a token that was itself fetched
// after a rejection is replaced only some time after its issue, and the time grows with the number of rejections in a
// row. The record carries the number (Record::rejections), so all hosts wait for the same moment. One thread: the
// loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/record/record.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/refresh_journal.hpp"

namespace jeton::agent {

// The provider rejected the token, an operator wants another one, or the source has changed. The request is open until
// a newer generation is here, whichever host fetched it. State without I/O.
class RefreshRequest {
 public:
  enum class Reason { rejected, asked, source_changed };

  // The upper limit of the random delay of hosts that hear of a rejection at the same moment; the user waits for it.
  static constexpr Duration spread = std::chrono::milliseconds(5);

  // All outlive the request.
  RefreshRequest(const RefreshConfig& config, const Clock& clock, Random& random)
      : config_(config), clock_(clock), random_(random) {}

  // Requests that `current` is replaced by a newer record. `patience`: the time that is left to another host, which got
  // the request from a user, to fetch first. The earliest of several requests counts.
  void make(Reason reason, const std::optional<Record>& current, Duration patience = Duration{0});

  // The record of generation `before` was published again as `current`, with a new state and the same token.
  void follow(Generation before, Generation current) {
    if (is_open(before)) replaces_ = current;
  }

  // Whether a token of this generation is still to be replaced.
  [[nodiscard]] bool is_open(Generation current) const { return made_ && replaces_ == current; }
  // Whether also an operator asked for it.
  [[nodiscard]] bool is_asked(Generation current) const { return is_open(current) && asked_; }
  // Whether a fetch that replaces `current` now has a rejection as its reason.
  [[nodiscard]] bool is_rejection(Generation current) const { return is_open(current) && reason_ == Reason::rejected; }
  [[nodiscard]] Reason reason() const { return reason_; }
  [[nodiscard]] BootTime due() const { return due_; }
  [[nodiscard]] const std::string& held_by() const { return held_by_; }
  // Record::rejections of the token that follows, if a rejection is the reason; as it was when the request was first
  // made, because the wall clock may be stepped until the fetch.
  [[nodiscard]] std::uint32_t rejections() const { return rejections_; }
  // Whether a fetch that replaces `current` now was asked for by an operator: it may send a request that would
  // otherwise wait for a person. True once.
  [[nodiscard]] bool take_consent(Generation current) { return std::exchange(consent_, false) && is_asked(current); }
  [[nodiscard]] bool has_consent() const { return consent_; }

 private:
  const RefreshConfig& config_;
  const Clock& clock_;
  Random& random_;
  bool made_ = false;
  Reason reason_ = Reason::asked;
  bool asked_ = false;
  bool consent_ = false;
  Generation replaces_ = 0;
  std::uint32_t rejections_ = 0;
  BootTime due_{};
  std::string held_by_;
};

// Record::rejections of the token that follows `rejected`: one more than before. It starts again if `rejected` had
// served for longer than retry.max before it was rejected, and was not an earlier rejected token, given again.
[[nodiscard]] std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config);

// An operator should know of this many rejections in a row.
inline constexpr std::uint32_t alarming_rejections = 3;

// Handles reports that the provider refused the current token: marks the token for its readers, counts the tokens
// rejected in a row, and informs the fleet.
class Rejections {
 public:
  // All outlive the object.
  Rejections(const TokenConfig& config, const Clock& clock, FleetSignals& signals, CurrentToken& current,
             const RefreshRequest& request, RefreshJournal& journal);

  // Handles a user's report about the current token. A second report changes nothing.
  void report();
  // Handles another host's report about the record of this generation. False: the report is known, or another record is
  // current.
  [[nodiscard]] bool hear(Generation generation);
  // Marks the current token for its readers.
  void mark();
  // The number of tokens in a row, `fetched` included, that replaced a rejected token. `rejected`: `fetched` replaces
  // one.
  [[nodiscard]] std::uint32_t count_with(const Record& fetched, bool rejected) const;

  // Maintenance: announces the rejection before the new token comes, so that the other hosts mark the token, and one of
  // them fetches if this host dies before its fetch.
  [[nodiscard]] bool is_to_announce() const { return to_announce_ != 0; }
  Task<> announce();

 private:
  [[nodiscard]] bool is_noted() const;
  void note();

  const TokenConfig& config_;
  const Clock& clock_;
  FleetSignals& signals_;
  CurrentToken& current_;
  const RefreshRequest& request_;
  RefreshJournal& journal_;
  Generation to_announce_ = 0;
};

}  // namespace jeton::agent
