#include "agent/fleet/redis/redis_scripts.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/record/record.hpp"
#include "redis_scripts_text.hpp"

namespace jeton::agent {

RedisKeys::RedisKeys(const std::string& prefix, const std::string& of, int database, const TokenTerms& terms)
    : name(of),
      mirror(terms.mirror_key),
      protocol(terms.lock.protocol == TokenLockConfig::Protocol::getset ? "getset" : "set_nx") {
  const std::string stem = prefix + ":{" + name + "}:";
  lock = terms.lock.key.empty() ? stem + "updater" : terms.lock.key;
  token = stem + "token";
  fence = stem + "fence";
  pause = stem + "pause";
  resume = stem + "resume";
  budget = stem + "budget";
  channel = stem + "published" + (database == 0 ? "" : ":" + std::to_string(database));
}

RedisKeys RedisKeys::of_subject(const std::string& prefix, const Subject& subject, int database) {
  RedisKeys keys(prefix, subject.name, database, subject.terms);
  if (subject.kind == Subject::Kind::token) return keys;
  const std::string stem = prefix + ":lock:{" + subject.name + "}";
  if (subject.terms.lock.key.empty()) keys.lock = stem;
  keys.fence = stem + ":fence";
  keys.info = stem + ":info";
  keys.channel = stem + ":released" + (database == 0 ? "" : ":" + std::to_string(database));
  for (std::string* none : {&keys.token, &keys.pause, &keys.resume, &keys.budget}) none->clear();
  return keys;
}

Task<redis::Reply> ScriptSteps::run(const redis::Script& script, const RedisKeys& of, std::span<const std::string> keys,
                                    std::span<const std::string_view> arguments, BootTime deadline, bool* replicated) {
  std::optional<redis::ServerError> refused;
  try {
    if (replicated == nullptr || replicas_ == 0) co_return co_await runner_->run(script, keys, arguments, deadline);
    auto result = co_await runner_->run_replicated(script, keys, arguments, replicas_, patience_, deadline);
    *replicated = result.replicas >= replicas_;
    co_return std::move(result.reply);
  } catch (const redis::ServerError& e) {
    refused = e;
  }
  co_await explain(of, keys, *refused, deadline);
  throw *refused;
}

// The script's error does not say which key is of a wrong type, so each is read as the script would.
Task<> ScriptSteps::explain(const RedisKeys& of, std::span<const std::string> keys, const redis::ServerError& refused,
                            BootTime deadline) {
  constexpr std::string_view wrong_type = "WRONGTYPE";
  if (refused.code() != wrong_type) co_return;
  for (const std::string& key : keys) {
    const bool hash = key == of.token || key == of.budget || key == of.info;
    const std::array<std::string, 1> script_keys{key};
    const std::vector<std::string_view> arguments{hash ? "hash" : "string"};
    bool wrong = false;
    try {
      static_cast<void>(co_await runner_->run(redis_scripts::check_type(), script_keys, arguments, deadline));
    } catch (const redis::ServerError& e) {
      wrong = e.code() == wrong_type;
    } catch (const TransportError&) {
      co_return;  // the caller must learn of the refusal
    }
    if (!wrong) continue;
    throw redis::ServerError(runner_->display(),
                             std::string(wrong_type) + " the key " + key + " holds no " + (hash ? "hash" : "string"));
  }
}

namespace redis_scripts {
namespace {

// The largest size of a stored record, in bytes. A reply with it stays below redis::ReplyLimits.
constexpr std::size_t record_limit = 4 * 1024 * 1024 - 64 * 1024;

// Made at the first use.
template <const std::string_view& Text>
const redis::Script& script() {
  static const redis::Script made = [] {
    // Appended, not added up: GCC 14 takes the insertion before the digits for a write out of bounds.
    std::string whole("local fence_room = ");
    whole += std::to_string(std::chrono::microseconds(fence_room).count());
    whole += "\nlocal record_limit = ";
    whole += std::to_string(record_limit);
    whole += "\n";
    whole += Text;
    return redis::Script(whole);
  }();
  return made;
}

}  // namespace

void throw_unexpected(std::string_view what) {
  throw TransportError(std::string(what) + " script answered something unexpected; is it Redis?");
}

std::optional<std::uint64_t> to_number(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

const redis::Script& acquire() { return script<text::acquire>(); }
const redis::Script& renew() { return script<text::renew>(); }
const redis::Script& release() { return script<text::release>(); }
const redis::Script& admit() { return script<text::admit>(); }
const redis::Script& publish() { return script<text::publish>(); }
const redis::Script& replace() { return script<text::replace>(); }
const redis::Script& load() { return script<text::load>(); }
const redis::Script& check_type() { return script<text::check_type>(); }
const redis::Script& pause() { return script<text::pause>(); }
const redis::Script& resume() { return script<text::resume>(); }
const redis::Script& restore_usage() { return script<text::restore_usage>(); }
const redis::Script& usage() { return script<text::usage>(); }
const redis::Script& lock_acquire() { return script<text::lock_acquire>(); }
const redis::Script& lock_force_release() { return script<text::lock_force_release>(); }
const redis::Script& lock_pass() { return script<text::lock_pass>(); }
const redis::Script& lock_show() { return script<text::lock_show>(); }
const redis::Script& quorum_raise_fence() { return script<text::quorum_raise_fence>(); }
const redis::Script& quorum_fetches() { return script<text::quorum_fetches>(); }
const redis::Script& quorum_count_fetch() { return script<text::quorum_count_fetch>(); }

}  // namespace redis_scripts
}  // namespace jeton::agent
