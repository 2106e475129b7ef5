// Demand: a refresh that was asked for before its time, because the provider refused the token or an operator wants
// another one. It stands until a newer generation is here, whoever of the fleet fetched it.
//
// A provider that refuses every token it hands out must not make a loop of it: a token that was itself fetched after a
// rejection is replaced only some time after its issue, the longer the more of them came in a row. The record carries
// their number (Record::rejections), so all hosts wait for the same moment.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// What became of a demand; for whoever made it.
struct DemandAnswer {
  Generation generation = 0;  // the current one; 0: none yet
  bool superseded = false;    // it is newer than the one that was refused: read the token again
  bool known = true;          // false: the refused generation is above the current one
  WallTime due;               // when the refresh is tried at the earliest, if not superseded
  std::string held_by;        // what holds it back until then; empty: nothing
};

class Demand {
 public:
  enum class Reason { rejected, asked, source_changed };

  // Replaces the record of generation `current` by a newer one, from `due` on; until then `held_by` holds it back. The
  // earliest of several demands counts.
  void make(Reason reason, Generation current, WallTime now, BootTime due, std::string held_by);

  // The record of generation `before` was published again as `current`, with a new state and no other token.
  void follow(Generation before, Generation current) {
    if (stands(before)) replaces_ = current;
  }

  // A token of this generation still waits to be replaced.
  [[nodiscard]] bool stands(Generation current) const { return made_ && replaces_ == current; }
  // And an operator asked for it.
  [[nodiscard]] bool is_asked(Generation current) const { return stands(current) && asked_; }
  [[nodiscard]] BootTime due() const { return due_; }
  [[nodiscard]] const std::string& held_by() const { return held_by_; }
  // When it was first made.
  [[nodiscard]] WallTime made_at() const { return made_at_; }
  // Whether a fetch that replaces `current` now is one because it was rejected.
  [[nodiscard]] bool is_rejection(Generation current) const { return stands(current) && reason_ == Reason::rejected; }

 private:
  bool made_ = false;
  Reason reason_ = Reason::asked;
  bool asked_ = false;
  Generation replaces_ = 0;
  WallTime made_at_;
  BootTime due_{};
  std::string held_by_;
};

// How long after its issue a rejected token is replaced at the earliest: 0 for the first rejection, then
// 2 * retry.initial and twice as long each time, up to retry.permanent.
[[nodiscard]] Duration rejection_delay(std::uint32_t rejections, const RefreshConfig& config);

// Of the token that follows `rejected`: one more in a row, unless that one had served for longer than retry.max before
// it was refused, and was not the refused one of before, given again.
[[nodiscard]] std::uint32_t next_rejections(const Record& rejected, WallTime refused_at, const RefreshConfig& config);

// So many in a row, and an operator should know.
inline constexpr std::uint32_t alarming_rejections = 3;

}  // namespace jeton::agent
