#include "agent/fleet/redlock/lock_votes.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent::redlock {
namespace {

using Turn = RedisServer::Turn;
using AcquireOutcome = LockOperations::Acquired::Outcome;

Task<bool> write_fence(Server server, RedisKeys keys, std::string owner, std::uint64_t fence, BootTime deadline) {
  const bool is_application = !keys.info.empty();
  const std::string digits = std::to_string(fence);
  const std::string last = std::to_string(fence + (is_application ? spare_fences : 0));
  std::vector<std::string> script_keys{keys.lock, keys.fence};
  if (is_application) script_keys.push_back(keys.info);
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::vector<std::string_view> arguments{owner, last, fence_ttl_ms, digits};
  const redis::Reply reply =
      co_await server->runner().run(redis_scripts::quorum_raise_fence(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

// One plain command, never a script: it cannot be overtaken by the release that is sent after it on the same
// connection, as a script could that has to be sent again (NOSCRIPT).
Task<bool> set_if_free(Server server, std::string key, std::string owner, Milliseconds ttl, BootTime deadline) {
  const std::string ttl_ms = std::to_string(ttl.count());
  redis::Command command({"SET", key, owner, "NX", "PX", ttl_ms});
  const redis::Reply reply = co_await server->runner().command(key, std::move(command), deadline);
  co_return !reply.is_nil();
}

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

// A server on which the lock was restored knows it without its note.
LockNote note_of(const Votes& votes, const std::string& holder) {
  for (const auto& vote : votes) {
    if (vote && vote->answer.holder == holder && vote->answer.note.by) return vote->answer.note;
  }
  return {};
}

}  // namespace

Task<RedisServer::Grant> acquire(Server server, Subject subject, std::shared_ptr<const AcquireAttempt> attempt,
                                 BootTime deadline) {
  const Turn turn = co_await server->in_turn(subject, deadline);
  RedisServer::Grant grant = co_await server->acquire(subject, attempt, deadline);
  if (attempt->abandoned && grant.answer.outcome == LockOperations::Acquired::Outcome::won) {
    // Before the next question about this lock, which would find it held.
    const RedisKeys keys = server->keys_of(subject);
    try {
      co_await server->locks().release(keys, attempt->owner, server->deadline());
    } catch (const Error&) {
      if (attempt->owner_is_new) server->cancel_acquire(subject, attempt->owner, attempt->ttl);
    }
  }
  co_return grant;
}

Task<bool> raise_fence(Server server, Subject subject, std::string owner, std::uint64_t fence, BootTime deadline) {
  const Turn turn = co_await server->in_turn(subject, deadline);
  co_return co_await write_fence(server, server->keys_of(subject), owner, fence, deadline);
}

Task<bool> renew(Server server, Subject subject, std::string owner, Milliseconds ttl, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  const std::uint64_t no_fence = 0;  // for getset only, which a quorum does not have
  co_return co_await server->locks().renew(keys, owner, no_fence, ttl, deadline);
}

Task<bool> pass(Server server, Subject subject, FormerOwners former, Lease lease, LockNote note, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  bool* const no_replicas = nullptr;  // a server of a quorum has none
  co_return co_await server->locks().pass(keys, former, lease, note, deadline, no_replicas);
}

Task<bool> reacquire(Server server, Subject subject, std::string owner, std::uint64_t fence, Milliseconds ttl,
                     BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  bool taken = false;
  try {
    taken = co_await set_if_free(server, keys.lock, owner, ttl, deadline);
    if (taken) co_await write_fence(server, keys, owner, fence, deadline);
  } catch (const redis::NotSentError&) {
    throw;
  } catch (const Error&) {
    server->cancel_acquire(subject, owner, ttl);
    throw;
  }
  co_return taken;
}

Task<bool> release(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline,
                   FormerOwners former) {
  const RedisKeys keys = server->keys_of(subject);
  try {
    const Turn turn = co_await server->in_turn(subject, deadline);
    const bool deleted = co_await server->locks().release(keys, owner, deadline, former);
    co_return deleted;
  } catch (const Error&) {
    server->cancel_acquire(subject, owner, ttl);
    for (const std::string& before : former) server->cancel_acquire(subject, before, ttl);
    throw;
  }
}

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

}  // namespace jeton::agent::redlock
