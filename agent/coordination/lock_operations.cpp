#include "agent/coordination/lock_operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "agent/coordination/channel_message.hpp"
#include "agent/coordination/lease_terms.hpp"
#include "agent/coordination/redis_scripts.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;

//   KEYS  lock, fence, info
//   ARGV  owner, ttl_ms, fence_ttl_ms, protocol of the lock, by, metadata
//   reply {"won", 0 | value of the lock under getset, fence} | {"busy", ttl_ms (-1: for ever), first 64 bytes of the
//         holder}
//
// All keys are read before one is written, so a key of a wrong type is an error without a trace. The info says whose it
// is: another client that takes the key afterwards does not clear it.
constexpr std::string_view acquire_text = R"lua(
local last = redis.call('GET', KEYS[2])
redis.call('HGET', KEYS[3], 'owner')
local time = redis.call('TIME')
local busy, held = take(KEYS[1], ARGV[1], ARGV[2], ARGV[4], time)
if busy then return busy end
local digits = next_fence(time, last)
local owner = ARGV[4] == 'getset' and string.format('%.0f', held) or ARGV[1]
redis.call('SET', KEYS[2], digits, 'PX', ARGV[3])
redis.call('HSET', KEYS[3], 'owner', owner, 'fence', digits, 'by', ARGV[5], 'metadata', ARGV[6])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return {'won', held, digits}
)lua";

//   KEYS  lock, info      ARGV  channel, release message      reply 1 | 0
constexpr std::string_view force_release_text = R"lua(
local held = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
if held == 1 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return held
)lua";

//   KEYS  lock, info      ARGV  protocol
//   reply {} | {first 64 bytes of the holder, ttl_ms (-1: for ever) [, fence, by, metadata]}
constexpr std::string_view show_text = R"lua(
local value = redis.call('GET', KEYS[1])
if not value then return {} end
local ttl = redis.call('PTTL', KEYS[1])
if ARGV[1] == 'getset' and ttl == -1 and string.match(value, '^%d+$') then
  local time = redis.call('TIME')
  ttl = tonumber(value) * 1000 - tonumber(time[1]) * 1000 - math.floor(tonumber(time[2]) / 1000)
  if ttl <= 0 then return {} end
end
local shown = {string.sub(value, 1, 64), math.min(ttl, 9007199254740991)}
local info = redis.call('HMGET', KEYS[2], 'owner', 'fence', 'by', 'metadata')
if info[1] == value then
  for i = 2, 4 do shown[i + 1] = info[i] and string.sub(info[i], 1, 4096) end
end
return shown
)lua";

const redis::Script& acquire_script() {
  static const redis::Script script = redis_scripts::taking_a_lock(acquire_text);
  return script;
}

const redis::Script& force_release_script() {
  static const redis::Script script(force_release_text);
  return script;
}

const redis::Script& show_script() {
  static const redis::Script script(show_text);
  return script;
}

std::string_view protocol_of(const RedisKeys& keys) {
  return keys.protocol == TokenLockConfig::Protocol::getset ? "getset" : "set_nx";
}

std::uint64_t to_fence(std::string_view digits) {
  std::uint64_t fence = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), fence);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) {
    throw TransportError("a lock script answered something unexpected; is it Redis?");
  }
  return fence;
}

}  // namespace

Task<RedisOperations::Acquired> LockOperations::acquire(const RedisKeys& keys, const std::string& owner,
                                                        Milliseconds ttl, const LockNote& note, BootTime deadline) {
  using Outcome = RedisOperations::Acquired::Outcome;
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 3> script_keys{keys.updater, keys.fence, keys.info};
  const Arguments arguments{owner, ttl_ms, fence_ttl_ms, protocol_of(keys), note.by, note.metadata};
  RedisOperations::Acquired result;
  result.owner = owner;
  const Reply reply =
      co_await operations_.run_replicated(acquire_script(), keys, script_keys, arguments, deadline, result.replicated);
  if (reply.at(0).as_text() == "won") {
    result.outcome = Outcome::won;
    result.fence = to_fence(reply.at(2).as_text());
    if (keys.protocol == TokenLockConfig::Protocol::getset) result.owner = std::to_string(reply.at(1).as_integer());
  } else {
    result.outcome = Outcome::busy;
    const std::int64_t left = reply.at(1).as_integer();
    if (left != -1) result.remaining = std::clamp(Milliseconds{left}, Milliseconds{0}, longest_hold);
    result.holder = reply.at(2).as_text();
  }
  co_return result;
}

Task<bool> LockOperations::force_release(const RedisKeys& keys, const std::string& message_id, BootTime deadline) {
  const std::string message = encode_message(ReleaseMessage{message_id});
  const std::array<std::string, 2> script_keys{keys.updater, keys.info};
  const Arguments arguments{keys.channel, message};
  const Reply reply = co_await operations_.run(force_release_script(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<LockView> LockOperations::show(const RedisKeys& keys, BootTime deadline) {
  const std::array<std::string, 2> script_keys{keys.updater, keys.info};
  const Arguments arguments{protocol_of(keys)};
  const Reply reply = co_await operations_.run(show_script(), keys, script_keys, arguments, deadline);
  LockView view;
  if (reply.type == Reply::Type::array && reply.elements.empty()) co_return view;
  view.held = true;
  view.owner = printable_owner(reply.at(0).as_text());
  const std::int64_t left = reply.at(1).as_integer();
  if (left != -1) view.ttl = Milliseconds{std::max<std::int64_t>(0, left)};
  if (reply.elements.size() == 5) {
    view.fence = to_fence(reply.at(2).as_text());
    view.note = {std::string(reply.at(3).as_text()), std::string(reply.at(4).as_text())};
  }
  co_return view;
}

}  // namespace jeton::agent
