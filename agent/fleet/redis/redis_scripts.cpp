#include "agent/fleet/redis/redis_scripts.hpp"

#include <chrono>
#include <string>

#include "agent/record/record.hpp"

namespace jeton::agent::redis_scripts {
namespace {

// Of a stored record, in bytes. A reply with it stays below redis::ReplyLimits.
constexpr std::size_t record_limit = 4 * 1024 * 1024 - 64 * 1024;

// What every script that compares fences or returns a record begins with, below two constants.
//
// readable(): a record that is longer than any of ours is cut: it cannot be read then, and the reply does not end the
// connection, which all tokens share.
constexpr std::string_view limits_text = R"lua(
local function fence_limit(time) return tonumber(time[1]) * 1000000 + fence_room end
local function readable(record)
  if record and #record > record_limit then return string.sub(record, 1, 64) end
  return record
end
)lua";

// What every script that counts fetches begins with.
//
// kept_calls() returns of the hash under `key` when the last fetch was and when the window began, in ms (nil: not
// known), and the fetches in it. A time of the future (the server's clock went back, or somebody wrote it) becomes
// now, and so does the begin of a window that is missing: once, so it is written down. Taken for now at each look it
// would never be over.
constexpr std::string_view counting_text = R"lua(
local function digits(number) return string.format('%.0f', number) end
local function count_of(text)
  local number = tonumber(text or '')
  if number and number >= 0 and number < 9007199254740992 then return number end
end
local function kept_calls(key, now)
  local kept = redis.call('HMGET', key, 'last_ms', 'window_start_ms', 'calls')
  local last, start, calls = count_of(kept[1]), count_of(kept[2]), count_of(kept[3]) or 0
  if last and last > now then
    last = now
    redis.call('HSET', key, 'last_ms', digits(now))
  end
  if start and start > now or calls > 0 and not start then
    start = now
    redis.call('HSET', key, 'window_start_ms', digits(now))
  end
  return last, start, calls
end
)lua";

// What every script that takes a lock begins with, below the limits.
//
// take() returns the reply that says who holds the lock: {"busy", ttl_ms (-1: for ever), first 64 bytes of the holder};
// or nil, and it is taken, and its value under getset, else 0. next_fence() is above all texts it is given that can be
// a fence, and not below the time in microseconds, so it rises also after a counter expired or was lost.
//
// Protocol getset: clients that know no SET NX PX hold the lock by a value that is its end in unix seconds, without a
// time to live. Here it is all one step, so the races of SETNX, GET and GETSET do not arise. A value that is no number
// is busy, and so is a key with a time to live: that is a lock of the newer kind, not to be touched. Our own value gets
// one too, up to its end, so that nothing is left behind when we die. Each value is later than the one it replaces, so
// it names its owner.
constexpr std::string_view taking_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local function take(key, owner, ttl_ms, protocol, time)
  if protocol ~= 'getset' then
    if redis.call('SET', key, owner, 'NX', 'PX', ttl_ms) then return nil, 0 end
    return {'busy', redis.call('PTTL', key), string.sub(redis.call('GET', key), 1, 64)}
  end
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local value = redis.call('GET', key)
  if value then
    local ttl = redis.call('PTTL', key)
    local holder = string.sub(value, 1, 64)
    if ttl ~= -1 then return {'busy', ttl, holder} end
    if not string.match(value, '^%d+$') then return {'busy', -1, holder} end
    local left = tonumber(value) * 1000 - now_ms
    if left > 0 then return {'busy', math.min(left, 9007199254740991), holder} end
  end
  local held = math.floor((now_ms + tonumber(ttl_ms)) / 1000) + 1
  redis.call('SET', key, string.format('%.0f', held), 'PX', string.format('%.0f', held * 1000 - now_ms))
  return nil, held
end
local function next_fence(time, ...)
  local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
  for _, text in ipairs({...}) do
    local number = tonumber(text or '')
    if number and number >= fence and number < fence_limit(time) then
      fence = math.floor(number) + 1
    end
  end
  return string.format('%.0f', fence)
end
)lua";

// Takes the updater lock and draws its fence, unless the fleet pauses.
//
//   KEYS  updater, token, fence, pause
//   ARGV  owner, ttl_ms, fence_ttl_ms, channel, claim message, protocol of the lock
//   reply {"won", 0 | value of the lock under getset, fence, record | nil}
//         {"busy", ttl_ms of the holder (-1: for ever), first 64 bytes of the holder, record | nil}
//         {"paused", ttl_ms of the pause (-1: for ever), first 4096 bytes of the reason, record | nil}
//
// The fence is above the last one and above the generation of the stored record. All is read before anything is
// written, so a key of a wrong type is an error without a trace.
constexpr std::string_view acquire_text = R"lua(
local stored = redis.call('HMGET', KEYS[2], 'generation', 'record')
local record = readable(stored[2])
local reason = redis.call('GET', KEYS[4])
if reason then
  return {'paused', redis.call('PTTL', KEYS[4]), string.sub(reason, 1, 4096), record}
end
local last = redis.call('GET', KEYS[3])
local time = redis.call('TIME')
local busy, held = take(KEYS[1], ARGV[1], ARGV[2], ARGV[6], time)
if busy then
  busy[4] = record
  return busy
end
local digits = next_fence(time, last, stored[1])
redis.call('SET', KEYS[3], digits, 'PX', ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return {'won', held, digits, record}
)lua";

// Sets the lock's time to live anew if it is still the owner's; never creates it.
//
//   KEYS  lock [, info]      ARGV  owner, ttl_ms, protocol      reply 1 | 0 | the new value under getset
constexpr std::string_view renew_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[3] == 'getset' then
  local time = redis.call('TIME')
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local held = math.floor((now_ms + tonumber(ARGV[2])) / 1000) + 1
  redis.call('SET', KEYS[1], string.format('%.0f', held), 'PX', string.format('%.0f', held * 1000 - now_ms))
  if KEYS[2] then
    redis.call('HSET', KEYS[2], 'owner', string.format('%.0f', held))
    redis.call('PEXPIRE', KEYS[2], string.format('%.0f', held * 1000 - now_ms))
  end
  return held
end
if KEYS[2] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
)lua";

// Deletes the lock if it is still the owner's, and tells the waiters.
//
//   KEYS  lock [, info]      ARGV  owner, channel, release message      reply 1 | 0
constexpr std::string_view release_text = R"lua(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
)lua";

// May the owner of the lock call the provider now? Counts the call if so, before it is made.
//
//   KEYS  updater, budget
//   ARGV  owner, min_interval_ms, budget (0: unlimited), window_ms, channel, known calls, ms that their window lasts
//   reply {"admitted", ms left of the window, calls in it} | {"min_interval" | "budget", wait_ms, calls} | {"lost", 0,
//   0}
//
// A window begins with its first call. What the caller knows of it counts as well: this server may have lost its data
// since. Nothing waits longer than its own interval. The end of the count is set before it as well: a server that
// refuses that (an ACL without PEXPIRE) must not count calls that nobody makes.
constexpr std::string_view admit_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'lost', 0, 0}
end
local min_interval = tonumber(ARGV[2])
local budget = tonumber(ARGV[3])
local window = tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, start, calls = kept_calls(KEYS[2], now)
start = start or now
if now - start >= window then
  start = now
  calls = 0
end
local known_left = math.min(tonumber(ARGV[7]), window)
if known_left > 0 and tonumber(ARGV[6]) > calls then
  calls = tonumber(ARGV[6])
  start = now + known_left - window
end
if last and now - last < min_interval then
  return {'min_interval', last + min_interval - now, calls}
end
if budget > 0 and calls >= budget then
  return {'budget', start + window - now, calls}
end
local kept_ms = digits(math.max(1, min_interval, start + window - now))
redis.call('PEXPIRE', KEYS[2], kept_ms)
redis.call('HSET', KEYS[2], 'last_ms', digits(now), 'window_start_ms', digits(start), 'calls', digits(calls + 1))
redis.call('PEXPIRE', KEYS[2], kept_ms)
if budget > 0 then
  redis.call('PUBLISH', ARGV[5], '{"type":"usage","calls":' .. digits(calls + 1) .. ',"ttl_ms":' ..
    digits(math.max(0, start + window - now)) .. '}')
end
return {'admitted', math.max(0, start + window - now), calls + 1}
)lua";

// Stores a record if its generation is above the stored one, tells the fleet, and gives the lock back if it is still
// the owner's.
//
//   KEYS  updater, token [, mirror]
//   ARGV  owner, generation, expires_at_ms, record (JSON), channel, release message, kept_until_ms
//         [, bare value]
//   reply {"stored"} | {"same" | "refused", record that is stored}
//
// "same": a record of this very generation is there, ours from an attempt whose reply was lost. The token key holds the
// generation beside the record, so that nothing here needs to look into it.
//
// A stored generation that cannot be one (see acquire) is no reason to refuse. A server that refuses one of the
// commands (an ACL) stores nothing that would never end, and tells the fleet of what it stored: PEXPIREAT comes first,
// DEL last. A record that is there has an end, and is left alone until HSET was not refused: a change of its end would
// make every host look at it, and try again, without a pause.
constexpr std::string_view publish_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local owned = redis.call('GET', KEYS[1]) == ARGV[1]
local kept = redis.call('HMGET', KEYS[2], 'generation', 'record')
local stored = tonumber(kept[1] or '') or 0
if not (stored < fence_limit(redis.call('TIME'))) then stored = 0 end
local generation = tonumber(ARGV[2])
if generation > stored then
  if not kept[1] then redis.call('PEXPIREAT', KEYS[2], ARGV[7]) end
  redis.call('HSET', KEYS[2], 'generation', ARGV[2], 'expires_at_ms', ARGV[3], 'record', ARGV[4])
  redis.call('PEXPIREAT', KEYS[2], ARGV[7])
  if KEYS[3] then
    redis.call('SET', KEYS[3], ARGV[8])
    redis.call('PEXPIREAT', KEYS[3], ARGV[3])
  end
  redis.call('PUBLISH', ARGV[5], '{"type":"record","record":' .. ARGV[4] .. '}')
  if owned then redis.call('DEL', KEYS[1]) end
  return {'stored'}
end
if owned then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
end
return {generation == stored and 'same' or 'refused', readable(kept[2])}
)lua";

// Puts a record in the place of one of the same generation that nobody can read.
//
//   KEYS  token      ARGV  the record as it was read, new record      reply 1 | 0 (something else is stored by now)
constexpr std::string_view replace_text = R"lua(
if readable(redis.call('HGET', KEYS[1], 'record')) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
return 1
)lua";

//   KEYS  token      reply record | nil
constexpr std::string_view load_text = R"lua(
return readable(redis.call('HGET', KEYS[1], 'record'))
)lua";

// Fails as a script does if the key is of another type. Returns nothing of its value, which may be of any size.
//
//   KEYS  key      ARGV  "hash" | "string"      reply 1
constexpr std::string_view check_type_text = R"lua(
if ARGV[1] == 'hash' then redis.call('HGET', KEYS[1], '') else redis.call('GET', KEYS[1]) end
return 1
)lua";

// Holds the fleet back from the provider; never shortens a longer pause.
//
//   KEYS  pause      ARGV  pause message, ms, channel, the message for the channel      reply 1 | 0 (a longer one is
//         there)
constexpr std::string_view pause_text = R"lua(
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
)lua";

// Lifts the pause; says so even if it is over, because agents hold back a little longer than it lasts.
//
//   KEYS  pause      ARGV  channel, resume message      reply 1
constexpr std::string_view resume_text = R"lua(
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
)lua";

// Gives a count back that was lost with the rest; never lowers one. Its end comes first, as in admit.
//
//   KEYS  budget      ARGV  calls, ms until the window ends, window_ms      reply 1 | 0 (as many are counted)
constexpr std::string_view restore_usage_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
if (count_of(redis.call('HGET', KEYS[1], 'calls')) or 0) >= tonumber(ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local start = now + tonumber(ARGV[2]) - tonumber(ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'window_start_ms', digits(start), 'calls', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
)lua";

// What the admit script counted, and whether there is a pause.
//
//   KEYS  budget, pause      reply {calls in the window, ms until the count is dropped (-2: there is none), 1 | 0}
constexpr std::string_view usage_text = R"lua(
local paused = redis.call('PTTL', KEYS[2]) ~= -2 and 1 or 0
return {count_of(redis.call('HGET', KEYS[1], 'calls')) or 0, redis.call('PTTL', KEYS[1]), paused}
)lua";

}  // namespace

redis::Script with_limits(std::string_view text) {
  // Appended, not added up: GCC 14 takes the insertion before the digits for a write out of bounds.
  std::string whole("local fence_room = ");
  whole += std::to_string(std::chrono::microseconds(fence_room).count());
  whole += "\nlocal record_limit = ";
  whole += std::to_string(record_limit);
  whole += limits_text;
  whole += text;
  return redis::Script(whole);
}

redis::Script counting(std::string_view text) { return redis::Script(std::string(counting_text) + std::string(text)); }

redis::Script taking_a_lock(std::string_view text) { return with_limits(std::string(taking_text) + std::string(text)); }

const redis::Script& acquire() {
  static const redis::Script script = taking_a_lock(acquire_text);
  return script;
}

const redis::Script& renew() {
  static const redis::Script script(renew_text);
  return script;
}

const redis::Script& release() {
  static const redis::Script script(release_text);
  return script;
}

const redis::Script& admit() {
  static const redis::Script script = counting(admit_text);
  return script;
}

const redis::Script& publish() {
  static const redis::Script script = with_limits(publish_text);
  return script;
}

const redis::Script& replace() {
  static const redis::Script script = with_limits(replace_text);
  return script;
}

const redis::Script& load() {
  static const redis::Script script = with_limits(load_text);
  return script;
}

const redis::Script& check_type() {
  static const redis::Script script(check_type_text);
  return script;
}

const redis::Script& pause() {
  static const redis::Script script(pause_text);
  return script;
}

const redis::Script& resume() {
  static const redis::Script script(resume_text);
  return script;
}

const redis::Script& restore_usage() {
  static const redis::Script script = counting(restore_usage_text);
  return script;
}

const redis::Script& usage() {
  static const redis::Script script = counting(usage_text);
  return script;
}

}  // namespace jeton::agent::redis_scripts
