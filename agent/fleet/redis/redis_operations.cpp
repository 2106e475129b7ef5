#include "agent/fleet/redis/redis_operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;

[[noreturn]] void unexpected(const char* script) {
  throw TransportError(std::string("the ") + script + " script answered something unexpected; is it Redis?");
}

std::uint64_t to_number(std::string_view digits, const char* script) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) unexpected(script);
  return number;
}

std::optional<SecretString> to_record(const Reply& reply) {
  if (reply.is_nil()) return std::nullopt;
  return SecretString(reply.as_text());
}

// A pause is stored as the message that announced it; a text that was written by hand is the reason itself.
void describe_pause(std::string_view stored, RedisOperations::Acquired& result) {
  result.reason = stored;
  try {
    const ChannelMessage message = decode_message(stored);
    if (const auto* pause = std::get_if<PauseMessage>(&message)) {
      result.reason = pause->reason;
      result.request = pause->request;
    }
  } catch (const Error&) {
  }
}

constexpr std::string_view wrong_type = "WRONGTYPE";
constexpr std::int64_t end_of_9999 = 253'402'300'799;  // unix seconds

std::vector<std::string> lock_and_info(const RedisKeys& keys) {
  std::vector<std::string> all{keys.lock};
  if (!keys.info.empty()) all.push_back(keys.info);
  return all;
}

Milliseconds to_hold(std::int64_t ms) { return std::clamp(Milliseconds{ms}, Milliseconds{0}, longest_hold); }

}  // namespace

Task<Reply> RedisOperations::run_replicated(const redis::Script& script, const RedisKeys& of,
                                            std::span<const std::string> keys,
                                            std::span<const std::string_view> arguments, BootTime deadline,
                                            bool& replicated) {
  if (replicas_ == 0) co_return co_await run(script, of, keys, arguments, deadline);
  std::optional<redis::ServerError> refused;
  try {
    auto result = co_await runner_->run_replicated(script, keys, arguments, replicas_, patience_, deadline);
    replicated = result.replicas >= replicas_;
    co_return std::move(result.reply);
  } catch (const redis::ServerError& e) {
    refused = e;
  }
  co_await explain(of, keys, *refused, deadline);
  throw *refused;
}

Task<Reply> RedisOperations::run(const redis::Script& script, const RedisKeys& of, std::span<const std::string> keys,
                                 std::span<const std::string_view> arguments, BootTime deadline) {
  std::optional<redis::ServerError> refused;
  try {
    co_return co_await runner_->run(script, keys, arguments, deadline);
  } catch (const redis::ServerError& e) {
    refused = e;
  }
  co_await explain(of, keys, *refused, deadline);
  throw *refused;
}

// The script's error does not say which key is of a wrong type, so each is read as the script would.
Task<> RedisOperations::explain(const RedisKeys& of, std::span<const std::string> keys,
                                const redis::ServerError& refused, BootTime deadline) {
  if (refused.code() != wrong_type) co_return;
  for (const std::string& key : keys) {
    const bool hash = key == of.token || key == of.budget || key == of.info;
    const std::array<std::string, 1> script_keys{key};
    const Arguments arguments{hash ? "hash" : "string"};
    bool wrong = false;
    try {
      static_cast<void>(co_await runner_->run(redis_scripts::check_type(), script_keys, arguments, deadline));
    } catch (const redis::ServerError& e) {
      wrong = e.code() == wrong_type;
    } catch (const TransportError&) {
      co_return;  // the caller must learn of the refusal
    }
    if (wrong) throw_wrong_type(key, hash);
  }
}

void RedisOperations::throw_wrong_type(const std::string& key, bool hash) const {
  throw redis::ServerError(runner_->display(),
                           std::string(wrong_type) + " the key " + key + " holds no " + (hash ? "hash" : "string"));
}

Task<RedisOperations::Acquired> RedisOperations::acquire(const RedisKeys& keys, const LockClaim& claim,
                                                         BootTime deadline) {
  const Milliseconds ttl = to_ms(claim.ttl);
  const std::string message = message_of(keys, ClaimMessage{claim.owner, ttl});
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 4> script_keys{keys.lock, keys.token, keys.fence, keys.pause};
  const Arguments arguments{claim.owner, ttl_ms, fence_ttl_ms, keys.channel, message, keys.protocol};
  Acquired result;
  const Reply reply =
      co_await run_replicated(redis_scripts::acquire(), keys, script_keys, arguments, deadline, result.replicated);
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "won") {
    result.outcome = Acquired::Outcome::won;
    result.fence = to_number(reply.at(2).as_text(), "acquire");
    result.owner = owner_of(reply.at(1), keys, claim.owner);
  } else if (outcome == "busy" || outcome == "paused") {
    result.outcome = outcome == "busy" ? Acquired::Outcome::busy : Acquired::Outcome::paused;
    const std::int64_t left = reply.at(1).as_integer();
    if (left != -1) result.remaining = to_hold(left);
    if (outcome == "busy") {
      result.holder = reply.at(2).as_text();
    } else {
      describe_pause(reply.at(2).as_text(), result);
    }
  } else {
    unexpected("acquire");
  }
  // A nil at the end is there as an element, because Lua's false becomes one.
  result.record = to_record(reply.at(3));
  co_return result;
}

std::string RedisOperations::owner_of(const Reply& reply, const RedisKeys& keys, const std::string& asked) {
  constexpr std::size_t longest_time = 16;
  const std::string_view text = reply.as_text();
  const bool time = keys.protocol == "getset" && !text.empty() && text.size() <= longest_time &&
                    std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text != asked && !time) unexpected("lock");
  return std::string(text);
}

Task<bool> RedisOperations::renew(const RedisKeys& keys, std::string& owner, Milliseconds ttl, BootTime deadline) {
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::vector<std::string> script_keys = lock_and_info(keys);
  const Arguments arguments{owner, ttl_ms, keys.protocol};
  const Reply reply = co_await run(redis_scripts::renew(), keys, script_keys, arguments, deadline);
  if (reply.is_nil()) co_return false;
  owner = owner_of(reply, keys, owner);
  co_return true;
}

Task<bool> RedisOperations::release(const RedisKeys& keys, const std::string& owner, BootTime deadline) {
  const std::string message = message_of(keys, ReleaseMessage{owner});
  const std::vector<std::string> script_keys = lock_and_info(keys);
  const Arguments arguments{owner, keys.channel, message};
  const Reply reply = co_await run(redis_scripts::release(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<RedisOperations::Admitted> RedisOperations::admit(const RedisKeys& keys, const std::string& owner,
                                                       const FetchLimits& limits, BootTime deadline) {
  const std::string min_interval = std::to_string(to_ms(limits.min_interval).count());
  const std::string budget = std::to_string(limits.budget);
  const std::string window = std::to_string(to_ms(limits.budget_window).count());
  const std::array<std::string, 2> script_keys{keys.lock, keys.budget};
  const std::string known_calls = std::to_string(limits.known_calls);
  const std::string known_left = std::to_string(to_ms(limits.known_window_left).count());
  const Arguments arguments{owner, min_interval, budget, window, keys.channel, known_calls, known_left};
  const Reply reply = co_await run(redis_scripts::admit(), keys, script_keys, arguments, deadline);

  Admitted result;
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "min_interval") {
    result.refusal = FetchRefusal::min_interval;
  } else if (outcome == "budget") {
    result.refusal = FetchRefusal::budget;
  } else if (outcome == "lost") {
    result.refusal = FetchRefusal::lock_lost;
  } else if (outcome != "admitted") {
    unexpected("admit");
  }
  (result.refusal ? result.wait : result.window_left) = to_hold(reply.at(1).as_integer());
  result.calls = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.at(2).as_integer()));
  co_return result;
}

Task<RedisOperations::Published> RedisOperations::publish(const RedisKeys& keys, const std::string& owner,
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
      co_await run_replicated(redis_scripts::publish(), keys, script_keys, arguments, deadline, result.replicated);
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "stored") {
    result.outcome = Published::Outcome::stored;
    co_return result;
  }
  if (outcome != "same" && outcome != "refused") unexpected("publish");
  result.outcome = outcome == "same" ? Published::Outcome::same : Published::Outcome::refused;
  result.record = to_record(reply.at(1));
  co_return result;
}

Task<bool> RedisOperations::replace(const RedisKeys& keys, const SecretString& unreadable, const SecretString& text,
                                    BootTime deadline) {
  const std::array<std::string, 1> script_keys{keys.token};
  const Arguments arguments{unreadable.reveal(), text.reveal()};
  const Reply reply = co_await run(redis_scripts::replace(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<std::optional<SecretString>> RedisOperations::load(const RedisKeys& keys, BootTime deadline) {
  const std::array<std::string, 1> script_keys{keys.token};
  const Arguments arguments;
  const Reply reply = co_await run(redis_scripts::load(), keys, script_keys, arguments, deadline);
  co_return to_record(reply);
}

Task<bool> RedisOperations::pause(const RedisKeys& keys, Milliseconds duration, const std::string& reason,
                                  const std::string& request, BootTime deadline) {
  const PauseMessage pause{duration, reason, request};
  const std::string stored = encode_message(pause);
  const std::string message = message_of(keys, pause);
  const std::string ms = std::to_string(duration.count());
  const std::array<std::string, 1> script_keys{keys.pause};
  const Arguments arguments{stored, ms, keys.channel, message};
  const Reply reply = co_await run(redis_scripts::pause(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<> RedisOperations::resume(const RedisKeys& keys, BootTime deadline) {
  const std::string message = message_of(keys, ResumeMessage{});
  const std::array<std::string, 1> script_keys{keys.pause};
  const Arguments arguments{keys.channel, message};
  static_cast<void>(co_await run(redis_scripts::resume(), keys, script_keys, arguments, deadline));
}

Task<RedisOperations::Usage> RedisOperations::usage(const RedisKeys& keys, BootTime deadline) {
  const std::array<std::string, 2> script_keys{keys.budget, keys.pause};
  const Arguments arguments;
  const Reply reply = co_await run(redis_scripts::usage(), keys, script_keys, arguments, deadline);
  Usage usage;
  usage.calls = static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.at(0).as_integer()));
  const std::int64_t left = reply.at(1).as_integer();
  if (left >= 0) usage.window_left = to_hold(left);
  usage.paused = reply.at(2).as_integer() == 1;
  co_return usage;
}

Task<> RedisOperations::restore_usage(const RedisKeys& keys, std::uint64_t calls, Milliseconds window_left,
                                      Milliseconds window, BootTime deadline) {
  const std::string calls_text = std::to_string(calls);
  const std::string left_ms = std::to_string(std::max(Milliseconds{1}, window_left).count());
  const std::string window_ms = std::to_string(window.count());
  const std::array<std::string, 1> script_keys{keys.budget};
  const Arguments arguments{calls_text, left_ms, window_ms};
  static_cast<void>(co_await run(redis_scripts::restore_usage(), keys, script_keys, arguments, deadline));
}

Task<> RedisOperations::announce_rejection(const RedisKeys& keys, Generation generation, BootTime deadline) {
  const std::string message = message_of(keys, RejectedMessage{generation});
  redis::Command command({"PUBLISH", keys.channel, message});
  static_cast<void>(co_await runner_->command(keys.token, std::move(command), deadline));
}

Task<std::chrono::sys_time<std::chrono::microseconds>> RedisOperations::time(BootTime deadline) {
  redis::Command command({"TIME"});
  const Reply reply = co_await runner_->command(clock_key_, std::move(command), deadline);
  const auto seconds = static_cast<std::int64_t>(to_number(reply.at(0).as_text(), "TIME"));
  const auto micros = static_cast<std::int64_t>(to_number(reply.at(1).as_text(), "TIME"));
  if (seconds < 0 || seconds > end_of_9999 || micros < 0 || micros >= 1'000'000) unexpected("TIME");
  co_return std::chrono::sys_time<std::chrono::microseconds>(std::chrono::seconds(seconds) +
                                                             std::chrono::microseconds(micros));
}

}  // namespace jeton::agent
