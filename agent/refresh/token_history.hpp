// TokenHistory: the last events of one token as this host saw them, for an operator (`jetonctl history`): holders of
// the lock, fetches, failures, pauses, rejections. The oldest give way, so it is bounded in number and in bytes. No
// part decides by it, and none holds a secret. One thread: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/excerpt.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// Events: "adopted" (at a start, the token of an earlier run), "lock" (this host won the updater lock), "fetched" (and
// published, by this host), "received" (of another host, which fetched it), "again" (the provider returned the rejected
// token), "refused" (a late publication), "repaired" (the store got its record back), "failed" (a fetch), "paused",
// "resumed", "rejected" (by a user of this host), "asked" (an operator wants a new token), "changed" (the source),
// "spent" (the budget), "blocked" (the updater lock, or another token, holds up the refresh), "outage" and "reached"
// (the coordinator), "segment" (it cannot be written), "state" (the state on disk cannot be read or kept).
struct HistoryEvent {
  WallTime at{};
  std::string event;
  Generation generation = 0;            // 0: none
  std::string host{};                   // that did it; empty: not known, or no host
  std::optional<Milliseconds> lasts{};  // of a pause, and of the pause after a failure
  std::string text{};
};

class TokenHistory {
 public:
  static constexpr std::size_t most_events = 100;
  static constexpr std::size_t longest_text = 300;  // bytes

  // Cuts the text.
  void note(HistoryEvent event) {
    event.text = excerpt(event.text, {}, longest_text);
    events_.push_back(std::move(event));
    ++changes_;
    drop_oldest();
  }
  // Of an earlier run: comes before the events noted since.
  void restore(std::deque<HistoryEvent> earlier) {
    events_.insert(events_.begin(), std::make_move_iterator(earlier.begin()), std::make_move_iterator(earlier.end()));
    drop_oldest();
  }

  [[nodiscard]] const std::deque<HistoryEvent>& events() const { return events_; }  // the oldest first
  // Rises with every event.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  void drop_oldest() {
    while (events_.size() > most_events) events_.pop_front();
  }

  std::deque<HistoryEvent> events_;
  std::uint64_t changes_ = 0;
};

}  // namespace jeton::agent
