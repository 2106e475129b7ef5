#include "agent/refresh/token_history.hpp"

#include <iterator>
#include <utility>

#include "agent/base/excerpt.hpp"

namespace jeton::agent {

void TokenHistory::note(HistoryEvent event) {
  event.text = excerpt(event.text, {}, longest_text);
  events_.push_back(std::move(event));
  ++changes_;
  drop_oldest();
}

void TokenHistory::restore(std::deque<HistoryEvent> earlier) {
  events_.insert(events_.begin(), std::make_move_iterator(earlier.begin()), std::make_move_iterator(earlier.end()));
  drop_oldest();
}

void TokenHistory::drop_oldest() {
  while (events_.size() > most_events) events_.pop_front();
}

}  // namespace jeton::agent
