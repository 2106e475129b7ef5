#include "agent/fleet/redis/redis_operations.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;

constexpr std::string_view by_operator = "operator";    // that a pause was lifted
constexpr std::uint64_t end_of_9999 = 253'402'300'799;  // unix seconds

std::optional<SecretString> to_record(const Reply& reply) {
  if (reply.is_nil()) return std::nullopt;
  return SecretString(reply.as_text());
}

Milliseconds to_hold(std::int64_t ms) { return std::clamp(Milliseconds{ms}, Milliseconds{0}, longest_hold); }

std::uint64_t to_calls(const Reply& reply) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.as_integer()));
}

}  // namespace

Task<Admission> RedisOperations::admit(RedisKeys keys, Lease lease, FetchLimits limits, BootTime deadline) {
  const std::string min_interval = std::to_string(to_ms(limits.min_interval).count());
  const std::string budget = std::to_string(limits.budget);
  const std::string window = std::to_string(to_ms(limits.budget_window).count());
  const std::array<std::string, 3> script_keys{keys.lock, keys.budget, keys.token};
  const std::string known_calls = std::to_string(limits.known_calls);
  const std::string known_left = std::to_string(to_ms(limits.known_window_left).count());
  const Arguments arguments{lease.owner,  min_interval, budget,     window,
                            keys.channel, known_calls,  known_left, lease.stored_generation};
  const Reply reply = co_await run(redis_scripts::admit(), keys, script_keys, arguments, deadline);

  Admission result;
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "min_interval") {
    result.refusal = FetchRefusal::min_interval;
  } else if (outcome == "budget") {
    result.refusal = FetchRefusal::budget;
  } else if (outcome == "lost") {
    result.refusal = FetchRefusal::lock_lost;
  } else if (outcome == "changed") {
    result.refusal = FetchRefusal::record_changed;
  } else if (outcome != "admitted") {
    redis_scripts::throw_unexpected("the admit");
  }
  result.retry_at = result.window_end = clock_.boot_now();
  (result.refusal ? result.retry_at : result.window_end) += to_hold(reply.at(1).as_integer());
  result.calls_used = to_calls(reply.at(2));
  co_return result;
}

Task<RedisOperations::Published> RedisOperations::publish(RedisKeys keys, const std::string& owner,
                                                          const Record& record, const SecretString& text,
                                                          BootTime deadline) {
  const std::string generation = std::to_string(record.generation);
  const std::string expires_at_ms = std::to_string(to_unix_ms(record.expires_at));
  const std::string release_message = message_of(keys, ReleaseMessage{owner});
  std::vector<std::string> script_keys{keys.lock, keys.token};
  const std::string kept_until_ms = std::to_string(to_unix_ms(record.kept_until()));
  Arguments arguments{owner, generation, expires_at_ms, text.reveal(), keys.channel, release_message, kept_until_ms};
  if (!keys.mirror.empty()) {
    script_keys.push_back(keys.mirror);
    arguments.push_back(record.value.reveal());
  }
  Published result;
  const Reply reply =
      co_await run(redis_scripts::publish(), keys, script_keys, arguments, deadline, &result.replicated);
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "stored") {
    result.outcome = Published::Outcome::stored;
    co_return result;
  }
  if (outcome != "same" && outcome != "refused") redis_scripts::throw_unexpected("the publish");
  result.outcome = outcome == "same" ? Published::Outcome::same : Published::Outcome::refused;
  result.record = to_record(reply.at(1));
  co_return result;
}

Task<bool> RedisOperations::replace(RedisKeys keys, const SecretString& unreadable, const SecretString& text,
                                    BootTime deadline) {
  const std::array<std::string, 1> script_keys{keys.token};
  const Arguments arguments{unreadable.reveal(), text.reveal(), keys.channel};
  const Reply reply = co_await run(redis_scripts::replace(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<std::optional<SecretString>> RedisOperations::load(RedisKeys keys, BootTime deadline) {
  const std::array<std::string, 1> script_keys{keys.token};
  const Arguments arguments;
  const Reply reply = co_await run(redis_scripts::load(), keys, script_keys, arguments, deadline);
  co_return to_record(reply);
}

Task<bool> RedisOperations::pause(RedisKeys keys, Pause pause, BootTime deadline) {
  const PauseMessage lasting{expiry_ms(pause.until - clock_.boot_now()), pause.reason, pause.request};
  const std::string stored = encode_message(lasting);
  const std::string message = message_of(keys, lasting);
  const std::string ms = std::to_string(lasting.ttl.count());
  const std::array<std::string, 1> script_keys{keys.pause};
  const Arguments arguments{stored, ms, keys.channel, message};
  const Reply reply = co_await run(redis_scripts::pause(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<bool> RedisOperations::resume(RedisKeys keys, ResumeReason reason, BootTime deadline) {
  const std::string message = message_of(keys, ResumeMessage{reason});
  const std::array<std::string, 2> script_keys{keys.pause, keys.resume};
  const std::string kept_ms = std::to_string(longest_hold.count());
  const std::string_view by = reason == ResumeReason::operator_asked ? by_operator : "request";
  const Arguments arguments{keys.channel, message, by, kept_ms};
  static_cast<void>(co_await run(redis_scripts::resume(), keys, script_keys, arguments, deadline));
  co_return true;
}

Task<FetchUsage> RedisOperations::usage(RedisKeys keys, BootTime deadline) {
  const std::array<std::string, 3> script_keys{keys.budget, keys.pause, keys.resume};
  const Arguments arguments;
  const Reply reply = co_await run(redis_scripts::usage(), keys, script_keys, arguments, deadline);
  FetchUsage usage;
  usage.calls = to_calls(reply.at(0));
  const std::int64_t left = reply.at(1).as_integer();
  if (left >= 0) usage.window_end = clock_.boot_now() + to_hold(left);
  usage.paused = reply.at(2).as_integer() == 1;
  const std::int64_t resume_left = reply.at(3).as_integer();
  if (resume_left >= 0 && !usage.paused) {  // a pause that is there began after every lift
    const ResumeReason reason =
        reply.at(4).as_text() == by_operator ? ResumeReason::operator_asked : ResumeReason::request_differs;
    usage.resumed = Resumption{clock_.boot_now() - (longest_hold - to_hold(resume_left)), reason};
  }
  co_return usage;
}

Task<bool> RedisOperations::restore_usage(RedisKeys keys, FetchUsage usage, FetchLimits limits, BootTime deadline) {
  const BootTime now = clock_.boot_now();
  const std::string calls = std::to_string(usage.calls);
  const std::string left_ms = std::to_string(expiry_ms(usage.window_end.value_or(now) - now).count());
  const std::string window_ms = std::to_string(to_ms(limits.budget_window).count());
  const std::string min_interval_ms = std::to_string(to_ms(limits.min_interval).count());
  const std::array<std::string, 1> script_keys{keys.budget};
  const Arguments arguments{calls, left_ms, window_ms, min_interval_ms};
  static_cast<void>(co_await run(redis_scripts::restore_usage(), keys, script_keys, arguments, deadline));
  co_return true;
}

Task<bool> RedisOperations::announce_rejection(RedisKeys keys, Generation generation, BootTime deadline) {
  const std::string message = message_of(keys, RejectedMessage{generation});
  redis::Command command({"PUBLISH", keys.channel, message});
  static_cast<void>(co_await runner().command(keys.token, std::move(command), deadline));
  co_return true;
}

Task<std::chrono::sys_time<std::chrono::microseconds>> RedisOperations::time(BootTime deadline) {
  redis::Command command({"TIME"});
  const Reply reply = co_await runner().command(clock_key_, std::move(command), deadline);
  const auto seconds = redis_scripts::to_number(reply.at(0).as_text());
  const auto micros = redis_scripts::to_number(reply.at(1).as_text());
  if (!seconds || !micros || *seconds > end_of_9999 || *micros >= 1'000'000) {
    redis_scripts::throw_unexpected("the TIME");
  }
  co_return std::chrono::sys_time<std::chrono::microseconds>(std::chrono::seconds(*seconds) +
                                                             std::chrono::microseconds(*micros));
}

}  // namespace jeton::agent
