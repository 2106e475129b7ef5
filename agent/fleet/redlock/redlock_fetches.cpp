#include "agent/fleet/redlock/redlock_fetches.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/failpoint.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent::redlock {

// The fetches of one token as one server counted them. Ages, so that the clocks of several servers need not agree.
struct FetchCount {
  std::optional<Milliseconds> last_age;    // since the last fetch; none: none known
  std::optional<Milliseconds> window_age;  // since the first of the running window
  std::uint64_t calls = 0;                 // in that window
};

struct Fetch {
  std::uint64_t calls = 0;    // this one included, in its window
  Milliseconds window_age{};  // since that began
  Milliseconds window{};      // how long it lasts
  Milliseconds keep{};        // the count
  bool limited = false;       // by a budget: the fleet hears of it
};

namespace {

using UsageRound = RedlockRound<FetchUsage>;
using Texts = std::vector<std::string_view>;
using Counted = std::optional<FetchCount>;  // none: the lock there is not ours

std::optional<Milliseconds> to_age(std::int64_t ms) {
  if (ms < 0) return std::nullopt;
  return Milliseconds{ms};
}

Task<Counted> read_count(Server server, Subject subject, std::string owner, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const RedisServer::Turn turn = co_await server->in_turn(subject, deadline);
  const std::array<std::string, 2> script_keys{keys.lock, keys.budget};
  const Texts arguments{owner};
  const redis::Reply reply =
      co_await server->runner().run(redis_scripts::quorum_fetches(), script_keys, arguments, deadline);
  if (reply.at(0).as_integer() != 1) co_return std::nullopt;
  FetchCount count;
  count.last_age = to_age(reply.at(1).as_integer());
  count.window_age = to_age(reply.at(2).as_integer());
  count.calls = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.at(3).as_integer()));
  co_return count;
}

// Counts a fetch that happens now. If this server knows of more fetches (a repair wrote a count meanwhile), it adds one
// to those. False: this owner does not hold the lock here.
Task<bool> write_count(Server server, Subject subject, std::string owner, Fetch fetch, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const RedisServer::Turn turn = co_await server->in_turn(subject, deadline);
  const std::string window_age_ms = std::to_string(fetch.window_age.count());
  const std::string calls = std::to_string(fetch.calls);
  const std::string keep_ms = std::to_string(fetch.keep.count());
  const std::string window_ms = std::to_string(fetch.window.count());
  const std::string channel = fetch.limited ? keys.channel : std::string();
  const std::array<std::string, 2> script_keys{keys.lock, keys.budget};
  const Texts arguments{owner, window_age_ms, calls, keep_ms, window_ms, channel};
  const redis::Reply reply =
      co_await server->runner().run(redis_scripts::quorum_count_fetch(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

// Combines the counts of a majority into one for the fleet: the latest fetch, the highest count of any window that
// still runs, the latest start. The result may be too high, never too low.
FetchCount merge_counts(const RedlockRound<Counted>& round, Milliseconds window) {
  FetchCount merged;
  for (const auto& answer : round.answers) {
    if (!answer || !*answer) continue;
    const FetchCount& count = **answer;
    if (count.last_age && (!merged.last_age || *count.last_age < *merged.last_age)) merged.last_age = count.last_age;
    if (!count.window_age || *count.window_age >= window) continue;
    if (!merged.window_age || *count.window_age < *merged.window_age) merged.window_age = count.window_age;
    merged.calls = std::max(merged.calls, count.calls);
  }
  return merged;
}

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
  const RedlockQuorum::Question<Counted> read = [subject, owner](const Server& server, BootTime deadline) {
    return read_count(server, subject, owner, deadline);
  };
  const auto counted = co_await RedlockQuorum::settle(quorum, read, is_ours, quorum->deadline());
  const BootTime now = quorum->now();
  if (!majority_says(*quorum, *counted, is_ours)) co_return refused(now, Milliseconds{0}, FetchRefusal::lock_lost, 0);

  FetchCount fleet = merge_counts(*counted, window);
  const Milliseconds known_left = std::min(to_ms(limits.known_window_left), window);
  if (known_left > Milliseconds{0} && limits.known_calls > fleet.calls) {
    fleet.calls = limits.known_calls;
    fleet.window_age = window - known_left;
  }
  if (fleet.last_age && *fleet.last_age < min_interval) {
    co_return refused(now, min_interval - *fleet.last_age, FetchRefusal::min_interval, fleet.calls);
  }
  const Milliseconds age = fleet.window_age.value_or(Milliseconds{0});
  if (limits.budget > 0 && fleet.calls >= limits.budget) {
    co_return refused(now, window - age, FetchRefusal::budget, fleet.calls);
  }

  JETON_FAILPOINT("redlock.admit.read");
  Fetch fetch{fleet.calls + 1, age, window, {}, limits.budget > 0};
  fetch.keep = std::max({Milliseconds{1}, min_interval, window - age});
  const RedlockQuorum::Question<bool> write = [subject, owner, fetch](const Server& server, BootTime deadline) {
    return write_count(server, subject, owner, fetch, deadline);
  };
  const auto written = co_await RedlockQuorum::settle(quorum, write, is_yes, quorum->deadline());
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
Task<> restore_usage(Quorum quorum, Subject subject, FetchUsage usage, FetchLimits limits) {
  const RedlockQuorum::Question<bool> question = [subject, usage, limits](const Server& server, BootTime deadline) {
    return server->operations().restore_usage(server->keys_of(subject), usage, limits, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, majority_answered);
}

// A server that lost its data has no count, and may be the first to answer. So all that are connected are waited for
// (as long as RedlockRound has patience), to find the highest: it is written to the others from here. A lift
// that one server knows of is enough: servers that still have the pause were away then, so the pause is not spread.
Task<FetchUsage> usage(Quorum quorum, Subject subject) {
  const RedlockQuorum::Question<FetchUsage> question = [subject](const Server& server, BootTime deadline) {
    return server->operations().usage(server->keys_of(subject), deadline);
  };
  const auto decided = [&quorum](const UsageRound& r) {
    std::size_t settled = 0;
    for (std::size_t i = 0; i < r.servers(); ++i) {
      if (r.answers[i] || !r.failures[i].empty() || !quorum->servers[i]->is_connected()) ++settled;
    }
    return r.answered() >= r.majority() && settled == r.servers();
  };
  const auto round = co_await RedlockQuorum::decide(quorum, question, decided);
  FetchUsage highest;
  std::optional<Resumption> resumed;
  for (const auto& answer : round->answers) {
    if (!answer) continue;
    if (answer->calls >= highest.calls) highest = *answer;
    if (answer->resumed && (!resumed || answer->resumed->at > resumed->at)) resumed = answer->resumed;
  }
  const std::size_t paused = round->count([](const FetchUsage& u) { return u.paused; });
  highest.paused = paused > 0;
  highest.partly_paused = paused > 0 && paused < round->answered() && !resumed;
  highest.resumed = resumed;
  co_return highest;
}

}  // namespace jeton::agent::redlock
