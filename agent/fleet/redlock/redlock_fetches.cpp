#include "agent/fleet/redlock/redlock_fetches.hpp"

#include <algorithm>

#include "agent/base/failpoint.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/redlock/redlock_tally.hpp"

namespace jeton::agent::redlock {
namespace {

using Counted = std::optional<FetchCount>;  // none: the lock there is not ours
using CountRound = RedlockRound<Counted>;
using WriteRound = RedlockRound<bool>;
using UsageRound = RedlockRound<FetchUsage>;

bool is_ours(const Counted& counted) { return counted.has_value(); }
bool is_written(bool written) { return written; }

// Enough servers say yes, or so many say no that they cannot become enough.
template <typename Answer, typename Predicate>
bool is_settled(const RedlockRound<Answer>& round, Predicate yes) {
  const std::size_t agreeing = round.count(yes);
  return agreeing >= round.majority() || round.answered() - agreeing > round.servers() - round.majority();
}

// By a majority. False: the lock is lost. Throws TransportError if it cannot be known.
template <typename Answer, typename Predicate>
bool majority_says(const RedlockQuorum& quorum, const RedlockRound<Answer>& round, Predicate yes) {
  if (!is_settled(round, yes)) quorum.no_majority(round);
  return round.count(yes) >= round.majority();
}

Admission refused(BootTime now, Milliseconds wait, FetchRefusal refusal, std::uint64_t calls) {
  Admission admission;
  admission.retry_at = now + std::clamp(wait, Milliseconds{0}, longest_hold);
  admission.refusal = refusal;
  admission.calls_used = calls;
  return admission;
}

}  // namespace

Task<Admission> admit(std::shared_ptr<RedlockQuorum> quorum, std::string name, std::string owner, FetchLimits limits) {
  const Milliseconds min_interval = to_ms(limits.min_interval);
  const Milliseconds window = to_ms(limits.budget_window);
  const BootTime read_deadline = quorum->deadline();
  const RedlockQuorum::Question<Counted> read = [name, owner, read_deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::fetches(node, name, owner, read_deadline);
  };
  const RedlockQuorum::Round<Counted> counted = quorum->ask(read);
  const auto known = [](const CountRound& r) { return is_settled(r, is_ours); };
  co_await CountRound::wait(counted, known, read_deadline);
  const BootTime now = quorum->now();
  if (!majority_says(*quorum, *counted, is_ours)) co_return refused(now, Milliseconds{0}, FetchRefusal::lock_lost, 0);

  std::vector<FetchCount> counts;
  for (const auto& answer : counted->answers) {
    if (answer && *answer) counts.push_back(**answer);
  }
  FetchCount fleet = merge_counts(counts, window);
  const Milliseconds known_left = std::min(to_ms(limits.known_window_left), window);
  if (known_left > Milliseconds{0} && limits.known_calls > fleet.calls) {
    fleet.calls = limits.known_calls;
    fleet.window_age = window - known_left;
  }
  if (fleet.last_age && *fleet.last_age < min_interval) {
    co_return refused(now, min_interval - *fleet.last_age, FetchRefusal::min_interval, fleet.calls);
  }
  const Milliseconds age = fleet.window_age.value_or(Milliseconds{0});
  if (limits.budget > 0 && fleet.calls >= limits.budget)
    co_return refused(now, window - age, FetchRefusal::budget, fleet.calls);

  JETON_FAILPOINT("redlock.admit.read");
  RedlockSteps::Fetch fetch{fleet.calls + 1, age, window, {}, limits.budget > 0};
  fetch.keep = std::max({Milliseconds{1}, min_interval, window - age});
  const BootTime write_deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> write = [name, owner, fetch,
                                               write_deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::count_fetch(node, name, owner, fetch, write_deadline);
  };
  const RedlockQuorum::Round<bool> written = quorum->ask(write);
  const auto settled = [](const WriteRound& r) { return is_settled(r, is_written); };
  co_await WriteRound::wait(written, settled, write_deadline);
  JETON_FAILPOINT("redlock.admit.written");
  if (!majority_says(*quorum, *written, is_written)) {
    co_return refused(quorum->now(), Milliseconds{0}, FetchRefusal::lock_lost, fleet.calls);
  }
  Admission admission;
  admission.retry_at = quorum->now();
  admission.calls_used = fetch.calls;
  admission.window_end = admission.retry_at + window - age;
  co_return admission;
}

// The count that a server still has is never lowered, so all may be asked; a majority must answer, because the next
// admission reads any.
Task<> restore_usage(std::shared_ptr<RedlockQuorum> quorum, std::string name, FetchUsage usage, Duration window) {
  const BootTime deadline = quorum->deadline();
  const Milliseconds window_ms = to_ms(window);
  const RedlockQuorum::Question<bool> question = [name, usage, window_ms,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::restore_usage(node, name, usage, window_ms, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  const auto decided = [](const WriteRound& r) { return r.answered() >= r.majority(); };
  co_await WriteRound::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
}

// A server that lost its data has no count, and may be the first to answer. So all that are connected are waited for
// (as long as RedlockRound has patience), to find the highest: it is given back to the others from here.
Task<FetchUsage> usage(std::shared_ptr<RedlockQuorum> quorum, std::string name) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<FetchUsage> question = [name, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::usage(node, name, deadline);
  };
  const RedlockQuorum::Round<FetchUsage> round = quorum->ask(question);
  const auto decided = [&quorum](const UsageRound& r) {
    std::size_t settled = 0;
    for (std::size_t i = 0; i < r.servers(); ++i) {
      if (r.answers[i] || !r.failures[i].empty() || !quorum->nodes[i]->is_connected()) ++settled;
    }
    return r.answered() >= r.majority() && settled == r.servers();
  };
  co_await UsageRound::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  FetchUsage highest;
  bool paused = false;
  for (const auto& answer : round->answers) {
    if (!answer) continue;
    paused = paused || answer->paused;
    if (answer->calls >= highest.calls) highest = *answer;
  }
  highest.paused = paused;
  co_return highest;
}

}  // namespace jeton::agent::redlock
