#include "agent/fleet/redis/lock_operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;

// What the scripts begin with that tell who holds a lock: note() returns {fence, by, metadata, age in ms (-1: not
// known)} of the value that the lock has, or nothing if somebody else has written beside it.
constexpr std::string_view note_text = R"lua(
local function note(info_key, value, time)
  local info = redis.call('HMGET', info_key, 'owner', 'fence', 'by', 'metadata', 'taken_ms')
  if not value or info[1] ~= value then return {} end
  local age = -1
  if info[5] and #info[5] <= 15 and string.match(info[5], '^%d+$') then
    local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
    age = math.max(0, now_ms - tonumber(info[5]))
  end
  local function short(text) return string.sub(text or '', 1, 4096) end
  return {short(info[2]), short(info[3]), short(info[4]), age}
end
)lua";

//   KEYS  lock, fence, info
//   ARGV  owner, ttl_ms, fence_ttl_ms, protocol of the lock, by, metadata
//   reply {"won", 0 | value of the lock under getset, fence} | {"busy", ttl_ms (-1: for ever), first 64 bytes of the
//         holder [, note]}
//
// All keys are read before one is written, so a key of a wrong type is an error without a trace. The info says whose it
// is: another client that takes the key afterwards does not clear it.
constexpr std::string_view acquire_text = R"lua(
local last = redis.call('GET', KEYS[2])
redis.call('HGET', KEYS[3], 'owner')
local time = redis.call('TIME')
local busy, held = take(KEYS[1], ARGV[1], ARGV[2], ARGV[4], time)
if busy then
  for _, part in ipairs(note(KEYS[3], redis.call('GET', KEYS[1]), time)) do busy[#busy + 1] = part end
  return busy
end
local digits = next_fence(time, last)
local owner = ARGV[4] == 'getset' and string.format('%.0f', held) or ARGV[1]
redis.call('SET', KEYS[2], digits, 'PX', ARGV[3])
local taken_ms = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.call('HSET', KEYS[3], 'owner', owner, 'fence', digits, 'by', ARGV[5], 'metadata', ARGV[6], 'taken_ms', taken_ms)
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
//   reply {} | {first 64 bytes of the holder, ttl_ms (-1: for ever) [, note]}
constexpr std::string_view show_text = R"lua(
local value = redis.call('GET', KEYS[1])
if not value then return {} end
local ttl = redis.call('PTTL', KEYS[1])
local time = redis.call('TIME')
if ARGV[1] == 'getset' and ttl == -1 and string.match(value, '^%d+$') then
  ttl = tonumber(value) * 1000 - tonumber(time[1]) * 1000 - math.floor(tonumber(time[2]) / 1000)
  if ttl <= 0 then return {} end
end
local shown = {string.sub(value, 1, 64), math.min(ttl, 9007199254740991)}
for _, part in ipairs(note(KEYS[2], value, time)) do shown[#shown + 1] = part end
return shown
)lua";

const redis::Script& acquire_script() {
  static const redis::Script script = redis_scripts::taking_a_lock(std::string(note_text) + std::string(acquire_text));
  return script;
}

const redis::Script& force_release_script() {
  static const redis::Script script(force_release_text);
  return script;
}

const redis::Script& show_script() {
  static const redis::Script script(std::string(note_text) + std::string(show_text));
  return script;
}

std::string_view protocol_of(const RedisKeys& keys) {
  return keys.protocol == TokenLockConfig::Protocol::getset ? "getset" : "set_nx";
}

std::optional<std::uint64_t> to_fence(std::string_view digits) {
  std::uint64_t fence = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), fence);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return fence;
}

constexpr std::size_t note_size = 4;
// Of what a server says of times; 64 bits of nanoseconds hold no more than three of it.
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

Task<LockOperations::Acquired> LockOperations::acquire(const RedisKeys& keys, const std::string& owner,
                                                       Milliseconds ttl, const LockNote& note, BootTime deadline) {
  using Outcome = RedisOperations::Acquired::Outcome;
  const std::string by = note.by ? lock_holder_text(*note.by) : std::string();
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 3> script_keys{keys.updater, keys.fence, keys.info};
  const Arguments arguments{owner, ttl_ms, fence_ttl_ms, protocol_of(keys), by, note.metadata};
  Acquired result;
  result.owner = owner;
  const Reply reply =
      co_await operations_.run_replicated(acquire_script(), keys, script_keys, arguments, deadline, result.replicated);
  if (reply.at(0).as_text() == "won") {
    result.outcome = Outcome::won;
    const auto fence = to_fence(reply.at(2).as_text());
    if (!fence) throw TransportError("a lock script answered something unexpected; is it Redis?");
    result.fence = *fence;
    if (keys.protocol == TokenLockConfig::Protocol::getset) result.owner = std::to_string(reply.at(1).as_integer());
  } else {
    result.outcome = Outcome::busy;
    const std::int64_t left = reply.at(1).as_integer();
    if (left != -1) result.remaining = std::clamp(Milliseconds{left}, Milliseconds{0}, longest_hold);
    result.holder = reply.at(2).as_text();
    result.note = to_note(reply, 3);
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

Task<LockView> LockOperations::show(const RedisKeys& keys, std::uint64_t limit, BootTime deadline) {
  const std::array<std::string, 2> script_keys{keys.updater, keys.info};
  const Arguments arguments{protocol_of(keys)};
  const Reply reply = co_await operations_.run(show_script(), keys, script_keys, arguments, deadline);
  LockView view;
  if (reply.type == Reply::Type::array && reply.elements.empty()) co_return view;
  view.held = true;
  view.owner = printable_owner(reply.at(0).as_text());
  const std::int64_t left = reply.at(1).as_integer();
  if (left != -1) view.ttl = std::clamp<Milliseconds>(Milliseconds{left}, Milliseconds{0}, longest_shown);
  // Anybody may write beside a lock.
  if (reply.elements.size() >= 2 + note_size) view.fence = to_fence(reply.at(2).as_text()).value_or(0);
  if (view.fence >= limit) view.fence = 0;
  view.note = to_note(reply, 2);
  co_return view;
}

}  // namespace jeton::agent
