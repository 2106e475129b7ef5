// RedisKeys: the names of the keys and of the channel of a token, or of a lock of applications (agent/README.md, "The
// protocol in Redis"). ScriptSteps: runs scripts on them.
//
// redis_scripts: the Lua scripts, the atomic steps inside Redis. scripts/NAME.lua has the text of each, with its
// contract (keys, arguments, reply). lock_*: for locks of applications; quorum_*: for one server of a quorum.
//
// All times in scripts are the server's (TIME). Numbers in Lua are doubles, exact below 2^53: microseconds since 1970
// stay below until the year 2255.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/time.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

// The subject of a step. A token and a lock of the same name have nothing in common.
struct Subject {
  enum class Kind { token, lock };
  Kind kind = Kind::token;
  std::string name{};
  TokenTerms terms{};  // of a lock: without a mirror
};

// The field of the log that has its name.
[[nodiscard]] inline std::string_view log_key_of(const Subject& subject) {
  return subject.kind == Subject::Kind::lock ? "lock" : "token";
}

// The keys of one token or lock. The braces keep them in one slot of a Cluster.
struct RedisKeys {
  // Of a token. `database`: keys of two databases are apart by themselves; messages are not, so the channel names it
  // unless it is 0.
  RedisKeys(const std::string& prefix, const std::string& of, int database = 0, const TokenTerms& terms = {});
  [[nodiscard]] static RedisKeys of_subject(const std::string& prefix, const Subject& subject, int database);
  // A key that is never written: the server that would hold it keeps the fleet's time.
  [[nodiscard]] static std::string clock(const std::string& prefix) { return prefix + ":{clock}"; }

  std::string name;
  std::string lock;  // the updater lock of a token, or the application's
  std::string token;
  std::string fence;
  std::string pause;
  std::string resume;  // that a pause was lifted
  std::string budget;
  std::string channel;
  std::string info;                      // of an application's lock: its holder and purpose; empty: an updater lock
  std::string mirror;                    // where the bare value is written too; empty: nowhere
  std::string_view protocol = "set_nx";  // of the lock, as the scripts know it
};

// The fence must survive many quiet periods of a token; if it is lost nevertheless, the time takes its place.
inline constexpr Milliseconds fence_ttl = std::chrono::hours(24 * 30);

// A handle: copies share the client. Arguments by reference need to live until the Task is done.
class ScriptSteps {
 public:
  // `codec`: signs the messages. `replicas`: a step with `replicated` is asked after: do so many replicas have it,
  // within `patience`?
  ScriptSteps(std::shared_ptr<redis::CommandRunner> runner, FleetCodec codec, int replicas, Duration patience)
      : runner_(std::move(runner)), codec_(std::move(codec)), replicas_(replicas), patience_(patience) {}

  [[nodiscard]] bool is_connected() const { return runner_->is_connected(); }

 protected:
  // `keys`: of the script, out of those `of` the token or lock. An error about a key's type names the key.
  Task<redis::Reply> run(const redis::Script& script, const RedisKeys& of, std::span<const std::string> keys,
                         std::span<const std::string_view> arguments, BootTime deadline, bool* replicated = nullptr);
  [[nodiscard]] redis::CommandRunner& runner() const { return *runner_; }
  // For the channel of these keys.
  template <typename Message>
  [[nodiscard]] std::string message_of(const RedisKeys& keys, const Message& message) const {
    return codec_.sign(keys.name, encode_message(message));
  }

 private:
  Task<> explain(const RedisKeys& of, std::span<const std::string> keys, const redis::ServerError& refused,
                 BootTime deadline);

  std::shared_ptr<redis::CommandRunner> runner_;
  FleetCodec codec_;
  int replicas_;
  Duration patience_;
};

namespace redis_scripts {

// `what`: the script that answered so, for example "the acquire".
[[noreturn]] void throw_unexpected(std::string_view what);
// None: it is no number.
[[nodiscard]] std::optional<std::uint64_t> to_number(std::string_view digits);

[[nodiscard]] const redis::Script& acquire();
[[nodiscard]] const redis::Script& renew();
[[nodiscard]] const redis::Script& release();
[[nodiscard]] const redis::Script& admit();
[[nodiscard]] const redis::Script& publish();
[[nodiscard]] const redis::Script& replace();
[[nodiscard]] const redis::Script& load();
[[nodiscard]] const redis::Script& check_type();
[[nodiscard]] const redis::Script& pause();
[[nodiscard]] const redis::Script& resume();
[[nodiscard]] const redis::Script& restore_usage();
[[nodiscard]] const redis::Script& usage();
[[nodiscard]] const redis::Script& lock_acquire();
[[nodiscard]] const redis::Script& lock_force_release();
[[nodiscard]] const redis::Script& lock_pass();
[[nodiscard]] const redis::Script& lock_show();
[[nodiscard]] const redis::Script& quorum_raise_fence();
[[nodiscard]] const redis::Script& quorum_fetches();
[[nodiscard]] const redis::Script& quorum_count_fetch();

}  // namespace redis_scripts
}  // namespace jeton::agent
