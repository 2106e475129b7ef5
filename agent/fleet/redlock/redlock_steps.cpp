#include "agent/fleet/redlock/redlock_steps.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {
namespace {

//   KEYS  lock, fence [, info]      ARGV  owner, fence, fence_ttl_ms      reply 1 | 0
//
// The counter rises whoever holds the lock here: that does no harm, and the more servers know the fence, the more of
// them may lose their data. Only the answer depends on the owner.
constexpr std::string_view raise_fence_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local owned = redis.call('GET', KEYS[1]) == ARGV[1]
if owned and KEYS[3] and redis.call('HGET', KEYS[3], 'owner') then
  redis.call('HSET', KEYS[3], 'fence', ARGV[2])
end
local kept = tonumber(redis.call('GET', KEYS[2]) or '') or 0
if not (kept < fence_limit(redis.call('TIME'))) then kept = 0 end
if kept > tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return owned and 1 or 0
)lua";

//   KEYS  updater, budget      ARGV  owner      reply {1, last_age_ms | -1, window_age_ms | -1, calls} | {0}
//
// The hash is that of the admit script.
constexpr std::string_view fetches_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last, start, calls = kept_calls(KEYS[2], now)
return {1, last and now - last or -1, start and now - start or -1, calls}
)lua";

//   KEYS  updater, budget
//   ARGV  owner, window_age_ms, calls, keep_ms, window_ms, channel | "" (nobody is told)
//   reply 1 | 0
constexpr std::string_view count_fetch_text = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local age = tonumber(ARGV[2])
local window = tonumber(ARGV[5])
local calls = tonumber(ARGV[3])
local _, start, known = kept_calls(KEYS[2], now)
if start and now - start < window and known >= calls then calls = known + 1 end
redis.call('HSET', KEYS[2], 'last_ms', digits(now), 'window_start_ms', digits(now - age), 'calls', digits(calls))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if ARGV[6] ~= '' then
  redis.call('PUBLISH', ARGV[6], '{"type":"usage","calls":' .. digits(calls) .. ',"ttl_ms":' ..
    digits(math.max(0, window - age)) .. '}')
end
return 1
)lua";

const redis::Script& raise_fence_script() {
  static const redis::Script script = redis_scripts::with_limits(raise_fence_text);
  return script;
}

const redis::Script& fetches_script() {
  static const redis::Script script = redis_scripts::counting(fetches_text);
  return script;
}

const redis::Script& count_fetch_script() {
  static const redis::Script script = redis_scripts::counting(count_fetch_text);
  return script;
}

std::optional<Milliseconds> to_age(std::int64_t ms) {
  if (ms < 0) return std::nullopt;
  return Milliseconds{ms};
}

}  // namespace

Task<bool> RedlockSteps::raise_fence(const RedisKeys& keys, const std::string& owner, std::uint64_t fence,
                                     BootTime deadline) {
  const std::string digits = std::to_string(fence);
  std::vector<std::string> script_keys{keys.updater, keys.fence};
  if (!keys.info.empty()) script_keys.push_back(keys.info);
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::vector<std::string_view> arguments{owner, digits, fence_ttl_ms};
  const redis::Reply reply = co_await keyspace_->run(raise_fence_script(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<bool> RedlockSteps::take_again(const RedisKeys& keys, const std::string& owner, Milliseconds ttl,
                                    BootTime deadline) {
  const std::string ttl_ms = std::to_string(ttl.count());
  redis::Command command({"SET", keys.updater, owner, "NX", "PX", ttl_ms});
  const redis::Reply reply = co_await keyspace_->command(keys.updater, std::move(command), deadline);
  co_return !reply.is_nil();
}

Task<std::optional<FetchCount>> RedlockSteps::fetches(const RedisKeys& keys, const std::string& owner,
                                                      BootTime deadline) {
  const std::array<std::string, 2> script_keys{keys.updater, keys.budget};
  const std::vector<std::string_view> arguments{owner};
  const redis::Reply reply = co_await keyspace_->run(fetches_script(), script_keys, arguments, deadline);
  if (reply.at(0).as_integer() != 1) co_return std::nullopt;
  FetchCount count;
  count.last_age = to_age(reply.at(1).as_integer());
  count.window_age = to_age(reply.at(2).as_integer());
  count.calls = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.at(3).as_integer()));
  co_return count;
}

Task<bool> RedlockSteps::count_fetch(const RedisKeys& keys, const std::string& owner, Fetch fetch, BootTime deadline) {
  const std::string window_age_ms = std::to_string(fetch.window_age.count());
  const std::string calls = std::to_string(fetch.calls);
  const std::string keep_ms = std::to_string(fetch.keep.count());
  const std::string window_ms = std::to_string(fetch.window.count());
  const std::string channel = fetch.limited ? keys.channel : std::string();
  const std::array<std::string, 2> script_keys{keys.updater, keys.budget};
  const std::vector<std::string_view> arguments{owner, window_age_ms, calls, keep_ms, window_ms, channel};
  const redis::Reply reply = co_await keyspace_->run(count_fetch_script(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

}  // namespace jeton::agent
