#include "agent/fleet/redlock/vote_count.hpp"

#include <algorithm>
#include <map>

#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent::redlock {
namespace {

using AcquireOutcome = LockOperations::Acquired::Outcome;
using Votes = std::vector<std::optional<RedisServer::Grant>>;

// No TTL means that the lock never expires: longer than any time.
bool is_longer(const std::optional<Milliseconds>& a, const std::optional<Milliseconds>& b) {
  if (!a || !b) return !a && b.has_value();
  return *a > *b;
}

std::uint64_t fence_above(const Votes& votes) {
  std::uint64_t fence = 0;
  for (const auto& vote : votes) {
    if (!vote) continue;
    fence = std::max(fence, vote->answer.fence);
    if (vote->record) fence = std::max(fence, vote->record->generation + 1);
  }
  return fence;
}

// Until so many of one owner's locks have expired that the rest is not a majority. A server that granted its lock late,
// or missed a renewal that made it shorter, does not count.
std::optional<Milliseconds> until_no_majority(std::vector<std::optional<Milliseconds>> left, std::size_t majority) {
  std::sort(left.begin(), left.end(), [](const auto& a, const auto& b) { return is_longer(b, a); });
  return left[left.size() - majority];
}

// A server that was given the lock back knows it without its note.
LockNote note_of(const Votes& votes, const std::string& holder) {
  for (const auto& vote : votes) {
    if (vote && vote->answer.holder == holder && vote->answer.note.by) return vote->answer.note;
  }
  return {};
}

template <typename Answers, typename RecordOf>
std::optional<Record> newest(const Answers& answers, RecordOf record_of) {
  const Record* best = nullptr;
  for (const auto& answer : answers) {
    if (!answer) continue;
    const std::optional<Record>& record = record_of(*answer);
    if (record && (best == nullptr || record->generation > best->generation)) best = &*record;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace

VoteCount count_votes(const Votes& votes, std::size_t pending) {
  const std::size_t majority = votes.size() / 2 + 1;
  VoteCount result;
  std::size_t answered = 0;
  std::size_t won = 0;
  bool paused = false;
  std::map<std::string, std::vector<std::optional<Milliseconds>>> holders;
  for (const auto& vote : votes) {
    if (!vote) continue;
    ++answered;
    const LockOperations::Acquired& answer = vote->answer;
    if (answer.outcome == AcquireOutcome::won) {
      ++won;
    } else if (answer.outcome == AcquireOutcome::busy) {
      holders[answer.holder].push_back(answer.remaining);
    } else if (!paused || is_longer(answer.remaining, result.answer.remaining)) {
      paused = true;
      result.answer = answer;
    }
  }
  if (answered < majority) return result;
  if (paused) {
    result.outcome = VoteCount::Outcome::refused;
    return result;
  }
  if (won >= majority) {
    result.outcome = VoteCount::Outcome::won;
    result.answer.fence = fence_above(votes);
    return result;
  }
  for (const auto& [owner, left] : holders) {
    if (left.size() < majority) continue;
    result.outcome = VoteCount::Outcome::refused;
    result.answer.holder = owner;
    result.answer.remaining = until_no_majority(left, majority);
    result.answer.note = note_of(votes, owner);
    return result;
  }
  if (won + pending < majority) result.outcome = VoteCount::Outcome::split;
  return result;
}

std::optional<Record> newest_record(const Votes& votes) {
  return newest(votes, [](const RedisServer::Grant& vote) -> const std::optional<Record>& { return vote.record; });
}

std::optional<Record> newest_record(const std::vector<std::optional<RedisServer::Loaded>>& answers) {
  return newest(answers,
                [](const RedisServer::Loaded& loaded) -> const std::optional<Record>& { return loaded.record; });
}

FetchCount merge_counts(const std::vector<FetchCount>& counts, Milliseconds window) {
  FetchCount merged;
  for (const FetchCount& count : counts) {
    if (count.last_age && (!merged.last_age || *count.last_age < *merged.last_age)) merged.last_age = count.last_age;
    if (!count.window_age || *count.window_age >= window) continue;
    if (!merged.window_age || *count.window_age < *merged.window_age) merged.window_age = count.window_age;
    merged.calls = std::max(merged.calls, count.calls);
  }
  return merged;
}

}  // namespace jeton::agent::redlock
