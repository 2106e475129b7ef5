#include "agent/fleet/redis/lock_operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;

std::optional<std::uint64_t> to_fence(std::string_view digits) {
  std::uint64_t fence = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), fence);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return fence;
}

constexpr std::size_t note_size = 4;
// Bound on times in a server's reply; 64 bits of nanoseconds hold less than three times as much.
constexpr std::chrono::hours longest_shown{24 * 36'525};

// The elements of a note from `first` on; nothing if there is none.
LockNote to_note(const Reply& reply, std::size_t first) {
  LockNote note;
  if (reply.elements.size() < first + note_size) return note;
  note.by = parse_lock_holder(reply.at(first + 1).as_text());
  note.metadata = reply.at(first + 2).as_text();
  const std::int64_t age = reply.at(first + 3).as_integer();
  if (age >= 0) note.age = std::min<Milliseconds>(Milliseconds{age}, longest_shown);
  return note;
}

}  // namespace

Task<RedisOperations::Acquired> LockOperations::acquire(const RedisKeys& keys, const LockClaim& claim,
                                                        BootTime deadline) {
  using Acquired = RedisOperations::Acquired;
  const std::string by = lock_holder_text(claim.note.by);
  const std::string ttl_ms = std::to_string(to_ms(claim.ttl).count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 3> script_keys{keys.lock, keys.fence, keys.info};
  const Arguments arguments{claim.owner, ttl_ms, fence_ttl_ms, keys.protocol, by, claim.note.metadata};
  Acquired result;
  const Reply reply = co_await operations_.run_replicated(redis_scripts::lock_acquire(), keys, script_keys, arguments,
                                                          deadline, result.replicated);
  if (reply.at(0).as_text() == "won") {
    result.outcome = Acquired::Outcome::won;
    const auto fence = to_fence(reply.at(2).as_text());
    if (!fence) throw TransportError("a lock script answered something unexpected; is it Redis?");
    result.fence = *fence;
    result.owner = RedisOperations::owner_of(reply.at(1), keys, claim.owner);
  } else {
    result.outcome = Acquired::Outcome::busy;
    const std::int64_t left = reply.at(1).as_integer();
    if (left != -1) result.remaining = std::clamp(Milliseconds{left}, Milliseconds{0}, longest_hold);
    result.holder = reply.at(2).as_text();
    result.note = to_note(reply, 3);
  }
  co_return result;
}

Task<bool> LockOperations::force_release(const RedisKeys& keys, const std::string& message_id, BootTime deadline) {
  const std::string message = operations_.message_of(keys, ReleaseMessage{message_id});
  const std::array<std::string, 2> script_keys{keys.lock, keys.info};
  const Arguments arguments{keys.channel, message};
  const Reply reply =
      co_await operations_.run(redis_scripts::lock_force_release(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<LockView> LockOperations::show(const RedisKeys& keys, std::uint64_t limit, BootTime deadline) {
  const std::array<std::string, 2> script_keys{keys.lock, keys.info};
  const Arguments arguments{keys.protocol};
  const Reply reply = co_await operations_.run(redis_scripts::lock_show(), keys, script_keys, arguments, deadline);
  LockView view;
  if (reply.type == Reply::Type::array && reply.elements.empty()) co_return view;
  view.held = true;
  view.owner = printable_owner(reply.at(0).as_text());
  const std::int64_t left = reply.at(1).as_integer();
  if (left != -1) view.ttl = std::clamp<Milliseconds>(Milliseconds{left}, Milliseconds{0}, longest_shown);
  // Any client may write beside a lock.
  if (reply.elements.size() >= 2 + note_size) view.fence = to_fence(reply.at(2).as_text()).value_or(0);
  if (view.fence >= limit) view.fence = 0;
  view.note = to_note(reply, 2);
  co_return view;
}

}  // namespace jeton::agent
