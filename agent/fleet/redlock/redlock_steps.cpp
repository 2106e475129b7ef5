#include "agent/fleet/redlock/redlock_steps.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {
namespace {

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
  const redis::Reply reply =
      co_await keyspace_->run(redis_scripts::quorum_raise_fence(), script_keys, arguments, deadline);
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
  const redis::Reply reply = co_await keyspace_->run(redis_scripts::quorum_fetches(), script_keys, arguments, deadline);
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
  const redis::Reply reply =
      co_await keyspace_->run(redis_scripts::quorum_count_fetch(), script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

}  // namespace jeton::agent
