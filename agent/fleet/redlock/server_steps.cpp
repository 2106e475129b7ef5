#include "agent/fleet/redlock/server_steps.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent::redlock {
namespace {

using Turn = RedisServer::Turn;

std::optional<Milliseconds> to_age(std::int64_t ms) {
  if (ms < 0) return std::nullopt;
  return Milliseconds{ms};
}

Task<bool> write_fence(Server server, RedisKeys keys, std::string owner, std::uint64_t fence, BootTime deadline) {
  const std::string digits = std::to_string(fence);
  std::vector<std::string> script_keys{keys.lock, keys.fence};
  if (!keys.info.empty()) script_keys.push_back(keys.info);
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::vector<std::string_view> arguments{owner, digits, fence_ttl_ms};
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
  co_return co_await server->locks().renew(keys, owner, ttl, deadline);
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

Task<bool> release(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  try {
    const Turn turn = co_await server->in_turn(subject, deadline);
    const bool deleted = co_await server->locks().release(keys, owner, deadline);
    co_return deleted;
  } catch (const Error&) {
    server->cancel_acquire(subject, owner, ttl);
    throw;
  }
}

// Behind a vote that is still on its way there: it would take the lock again.
Task<bool> force_release(Server server, Subject subject, std::string message_id, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  co_return co_await server->locks().force_release(keys, message_id, deadline);
}

Task<LockView> show(Server server, Subject subject, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  co_return co_await server->locks().show(keys, fence_limit(server->wall_now()), deadline);
}

Task<std::optional<FetchCount>> fetches(Server server, Subject subject, std::string owner, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  const std::array<std::string, 2> script_keys{keys.lock, keys.budget};
  const std::vector<std::string_view> arguments{owner};
  const redis::Reply reply =
      co_await server->runner().run(redis_scripts::quorum_fetches(), script_keys, arguments, deadline);
  if (reply.at(0).as_integer() != 1) co_return std::nullopt;
  FetchCount count;
  count.last_age = to_age(reply.at(1).as_integer());
  count.window_age = to_age(reply.at(2).as_integer());
  count.calls = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.at(3).as_integer()));
  co_return count;
}

Task<bool> count_fetch(Server server, Subject subject, std::string owner, Fetch fetch, BootTime deadline) {
  const RedisKeys keys = server->keys_of(subject);
  const Turn turn = co_await server->in_turn(subject, deadline);
  const std::string window_age_ms = std::to_string(fetch.window_age.count());
  const std::string calls = std::to_string(fetch.calls);
  const std::string keep_ms = std::to_string(fetch.keep.count());
  const std::string window_ms = std::to_string(fetch.window.count());
  const std::string channel = fetch.limited ? keys.channel : std::string();
  const std::array<std::string, 2> script_keys{keys.lock, keys.budget};
  const std::vector<std::string_view> arguments{owner, window_age_ms, calls, keep_ms, window_ms, channel};
  const redis::Reply reply =
      co_await server->runner().run(redis_scripts::quorum_count_fetch(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<RedisServer::Stored> publish(Server server, Subject subject, std::shared_ptr<const Record> record,
                                  std::string owner, Duration ttl, BootTime deadline) {
  try {
    Turn turn;
    if (!owner.empty()) turn = co_await server->in_turn(subject, deadline);
    JETON_FAILPOINT("redlock.publish.sending");
    RedisServer::Stored stored = co_await server->publish(subject, record, owner, deadline);
    co_return stored;
  } catch (const Error&) {
    if (!owner.empty()) server->cancel_acquire(subject, owner, ttl);
    throw;
  }
}

}  // namespace jeton::agent::redlock
