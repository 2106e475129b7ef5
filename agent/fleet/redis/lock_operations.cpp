#include "agent/fleet/redis/lock_operations.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

using redis::Reply;
using Arguments = std::vector<std::string_view>;
using Acquired = LockOperations::Acquired;

constexpr std::size_t note_size = 4;
// Bound on times in a server's reply; 64 bits of nanoseconds hold less than three times as much.
constexpr std::chrono::hours longest_shown{24 * 36'525};

// A lock or pause without an expiry (set by hand) is checked again after this time.
constexpr Milliseconds look_again_at_endless = std::chrono::seconds(15);

std::vector<std::string> lock_and_info(const RedisKeys& keys) {
  std::vector<std::string> all{keys.lock};
  if (!keys.info.empty()) all.push_back(keys.info);
  return all;
}

// None: it does not end.
std::optional<Milliseconds> to_remaining(const Reply& reply, Milliseconds longest) {
  const std::int64_t left = reply.as_integer();
  if (left == -1) return std::nullopt;
  return std::clamp(Milliseconds{left}, Milliseconds{0}, longest);
}

// The lock's owner in a script's reply: `asked`, or the time that scripts/lib/lock_value.lua puts in its place.
std::string owner_of(const Reply& reply, const RedisKeys& keys, const std::string& asked) {
  constexpr std::size_t longest_time = 16;
  const std::string_view text = reply.as_text();
  const bool time = keys.protocol == "getset" && !text.empty() && text.size() <= longest_time &&
                    std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text != asked && !time) redis_scripts::throw_unexpected("the lock");
  return std::string(text);
}

// "won", the owner, the fence.
void read_won(const Reply& reply, const RedisKeys& keys, const std::string& asked, const char* script,
              Acquired& result) {
  const auto fence = redis_scripts::to_number(reply.at(2).as_text());
  if (!fence) redis_scripts::throw_unexpected(script);
  result.outcome = Acquired::Outcome::won;
  result.fence = *fence;
  result.owner = owner_of(reply.at(1), keys, asked);
}

// A pause is stored as the message that announced it; a text that was written by hand is the reason itself.
void describe_pause(std::string_view stored, Acquired& result) {
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

Task<LockOperations::Acquired> LockOperations::acquire_updater(RedisKeys keys, const AcquireRequest& request,
                                                               BootTime deadline) {
  const Milliseconds ttl = to_ms(request.ttl);
  const std::string message = message_of(keys, ClaimMessage{request.owner, ttl});
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 4> script_keys{keys.lock, keys.token, keys.fence, keys.pause};
  const Arguments arguments{request.owner, ttl_ms, fence_ttl_ms, keys.channel, message, keys.protocol};
  Acquired result;
  const Reply reply =
      co_await run(redis_scripts::acquire(), keys, script_keys, arguments, deadline, &result.replicated);
  const std::string_view outcome = reply.at(0).as_text();
  if (outcome == "won") {
    read_won(reply, keys, request.owner, "the acquire", result);
    result.stored_generation = reply.at(4).as_text();
  } else if (outcome == "busy") {
    result.remaining = to_remaining(reply.at(1), longest_hold);
    result.holder = reply.at(2).as_text();
  } else if (outcome == "paused") {
    result.outcome = Acquired::Outcome::paused;
    result.remaining = to_remaining(reply.at(1), longest_hold);
    describe_pause(reply.at(2).as_text(), result);
  } else {
    redis_scripts::throw_unexpected("the acquire");
  }
  // A nil at the end is there as an element, because Lua's false becomes one.
  if (const Reply& record = reply.at(3); !record.is_nil()) result.record = SecretString(record.as_text());
  co_return result;
}

Task<LockOperations::Acquired> LockOperations::acquire_application(RedisKeys keys, const AcquireRequest& request,
                                                                   BootTime deadline) {
  const std::string by = lock_holder_text(request.note.by);
  const std::string ttl_ms = std::to_string(to_ms(request.ttl).count());
  const std::string fence_ttl_ms = std::to_string(fence_ttl.count());
  const std::array<std::string, 3> script_keys{keys.lock, keys.fence, keys.info};
  const std::string spare = std::to_string(spare_fences);
  const Arguments arguments{request.owner, ttl_ms, fence_ttl_ms, keys.protocol, by, request.note.metadata, spare};
  Acquired result;
  const Reply reply =
      co_await run(redis_scripts::lock_acquire(), keys, script_keys, arguments, deadline, &result.replicated);
  if (reply.at(0).as_text() == "won") {
    read_won(reply, keys, request.owner, "a lock", result);
  } else {
    result.remaining = to_remaining(reply.at(1), longest_hold);
    result.holder = reply.at(2).as_text();
    result.note = to_note(reply, 3);
  }
  co_return result;
}

Task<bool> LockOperations::renew(RedisKeys keys, std::string& owner, std::uint64_t fence, Milliseconds ttl,
                                 BootTime deadline) {
  const std::string ttl_ms = std::to_string(ttl.count());
  const std::string fence_text = std::to_string(fence);
  const std::vector<std::string> script_keys = lock_and_info(keys);
  const Arguments arguments{owner, ttl_ms, keys.protocol, fence_text};
  const Reply reply = co_await run(redis_scripts::renew(), keys, script_keys, arguments, deadline);
  if (reply.is_nil()) co_return false;
  owner = owner_of(reply, keys, owner);
  co_return true;
}

Task<bool> LockOperations::pass(RedisKeys keys, FormerOwners former, Lease lease, LockNote note, BootTime deadline,
                                bool* replicated) {
  const std::string ttl_ms = std::to_string(expiry_ms(lease.ttl).count());
  const std::string fence = std::to_string(lease.fence);
  const std::string by = lock_holder_text(note.by);
  const std::array<std::string, 2> script_keys{keys.lock, keys.info};
  Arguments arguments{lease.owner, ttl_ms, fence, by, note.metadata};
  arguments.insert(arguments.end(), former.begin(), former.end());
  const Reply reply = co_await run(redis_scripts::lock_pass(), keys, script_keys, arguments, deadline, replicated);
  co_return reply.as_integer() == 1;
}

Task<bool> LockOperations::release(RedisKeys keys, std::string owner, BootTime deadline, FormerOwners former) {
  const std::string message = message_of(keys, ReleaseMessage{owner});
  const std::vector<std::string> script_keys = lock_and_info(keys);
  Arguments arguments{owner, keys.channel, message};
  arguments.insert(arguments.end(), former.begin(), former.end());
  const Reply reply = co_await run(redis_scripts::release(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<bool> LockOperations::force_release(RedisKeys keys, std::string message_id, BootTime deadline) {
  const std::string message = message_of(keys, ReleaseMessage{message_id});
  const std::vector<std::string> script_keys = lock_and_info(keys);
  const Arguments arguments{keys.channel, message};
  const Reply reply = co_await run(redis_scripts::lock_force_release(), keys, script_keys, arguments, deadline);
  co_return reply.as_integer() == 1;
}

Task<LockView> LockOperations::show(RedisKeys keys, std::uint64_t limit, BootTime deadline) {
  const std::vector<std::string> script_keys = lock_and_info(keys);
  const Arguments arguments{keys.protocol};
  const Reply reply = co_await run(redis_scripts::lock_show(), keys, script_keys, arguments, deadline);
  LockView view;
  if (reply.type == Reply::Type::array && reply.elements.empty()) co_return view;
  view.held = true;
  view.owner = printable_owner(reply.at(0).as_text());
  view.ttl = to_remaining(reply.at(1), longest_shown);
  // Any client may write beside a lock.
  if (reply.elements.size() >= 2 + note_size) view.fence = redis_scripts::to_number(reply.at(2).as_text()).value_or(0);
  if (view.fence >= limit) view.fence = 0;
  view.note = to_note(reply, 2);
  co_return view;
}

AcquireResult refusal_of(const LockOperations::Acquired& answer, BootTime now, const std::string& key) {
  AcquireResult result;
  const BootTime until = now + answer.remaining.value_or(look_again_at_endless);
  if (answer.outcome == LockOperations::Acquired::Outcome::paused) {
    result.pause = Pause{until, answer.reason, answer.request};
    return result;
  }
  result.busy_until = until;
  result.holder = printable_owner(answer.holder);
  result.note = answer.note;
  if (!answer.remaining) {
    result.trouble = "the lock " + key + " never expires; if no process uses it, delete it with DEL";
  }
  return result;
}

}  // namespace jeton::agent
