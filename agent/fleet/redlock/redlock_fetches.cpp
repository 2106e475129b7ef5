#include "agent/fleet/redlock/redlock_fetches.hpp"

#include <algorithm>

#include "agent/base/failpoint.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/redlock/server_steps.hpp"
#include "agent/fleet/redlock/vote_count.hpp"

namespace jeton::agent::redlock {
namespace {

using Counted = std::optional<FetchCount>;  // none: the lock there is not ours
using CountRound = RedlockRound<Counted>;
using UsageRound = RedlockRound<FetchUsage>;

bool is_ours(const Counted& counted) { return counted.has_value(); }

// By a majority. False: the lock is lost. Throws TransportError if it cannot be known.
template <typename Answer, typename Predicate>
bool majority_says(const RedlockQuorum& quorum, const RedlockRound<Answer>& round, Predicate yes) {
  if (!round.is_settled(yes)) quorum.no_majority(round);
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

Task<Admission> admit(Quorum quorum, Subject subject, std::string owner, FetchLimits limits) {
  const Milliseconds min_interval = to_ms(limits.min_interval);
  const Milliseconds window = to_ms(limits.budget_window);
  const BootTime read_deadline = quorum->deadline();
  const RedlockQuorum::Question<Counted> read = [subject, owner, read_deadline](const Server& server) {
    return fetches(server, subject, owner, read_deadline);
  };
  const RedlockQuorum::Round<Counted> counted = quorum->ask(read);
  const auto known = [](const CountRound& r) { return r.is_settled(is_ours); };
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
  Fetch fetch{fleet.calls + 1, age, window, {}, limits.budget > 0};
  fetch.keep = std::max({Milliseconds{1}, min_interval, window - age});
  const BootTime write_deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> write = [subject, owner, fetch, write_deadline](const Server& server) {
    return count_fetch(server, subject, owner, fetch, write_deadline);
  };
  const RedlockQuorum::Round<bool> written = quorum->ask(write);
  const auto settled = [](const RedlockRound<bool>& r) { return r.is_settled(is_yes); };
  co_await RedlockRound<bool>::wait(written, settled, write_deadline);
  JETON_FAILPOINT("redlock.admit.written");
  if (!majority_says(*quorum, *written, is_yes)) {
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
Task<> restore_usage(Quorum quorum, Subject subject, FetchUsage usage, Duration window) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> question = [subject, usage, window, deadline](const Server& server) {
    return server->restore_usage(subject, usage, window, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, majority_answered, deadline);
}

// A server that lost its data has no count, and may be the first to answer. So all that are connected are waited for
// (as long as RedlockRound has patience), to find the highest: it is given back to the others from here.
Task<FetchUsage> usage(Quorum quorum, Subject subject) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<FetchUsage> question = [subject, deadline](const Server& server) {
    return server->usage(subject, deadline);
  };
  const auto decided = [&quorum](const UsageRound& r) {
    std::size_t settled = 0;
    for (std::size_t i = 0; i < r.servers(); ++i) {
      if (r.answers[i] || !r.failures[i].empty() || !quorum->servers[i]->is_connected()) ++settled;
    }
    return r.answered() >= r.majority() && settled == r.servers();
  };
  const RedlockQuorum::Round<FetchUsage> round = co_await RedlockQuorum::decide(quorum, question, decided, deadline);
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
