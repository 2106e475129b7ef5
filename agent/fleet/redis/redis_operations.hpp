// RedisOperations: the steps of coordination on one Redis deployment, each a script with typed arguments and reply.
// Knows nothing of this host's clocks: times in and out are the server's, or durations. RedisServer (redis_server.hpp)
// is made of these.
//
// Every call throws TransportError if the server cannot be asked or its answer makes no sense. A handle: copies share
// the client. What is passed by reference needs to live until the Task is done. One thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/fleet/redis/redis_keys.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

class RedisOperations {
 public:
  // `clock_key`: the server that would hold it is the one whose clock counts (a Cluster has many). `codec`: signs the
  // messages. `replicas`: an acquisition and a publication are asked after: do so many replicas have them, within
  // `patience`?
  RedisOperations(std::shared_ptr<redis::CommandRunner> runner, std::string clock_key, FleetCodec codec, int replicas,
                  Duration patience)
      : runner_(std::move(runner)),
        clock_key_(std::move(clock_key)),
        codec_(std::move(codec)),
        replicas_(replicas),
        patience_(patience) {}

  struct Acquired {
    enum class Outcome { won, busy, paused };
    Outcome outcome = Outcome::busy;
    std::uint64_t fence = 0;                // won
    std::string owner;                      // won: as the lock has it
    std::optional<Milliseconds> remaining;  // busy, paused: how long at the latest; none: without an end
    std::string reason;                     // paused
    std::string request;                    // paused: fingerprint of the request that failed for good
    std::string holder;                     // busy: the owner of the lock, no more than its first 64 bytes
    LockNote note;                          // busy, of an application's lock: of the holder
    std::optional<SecretString> record;     // as stored
    bool replicated = true;                 // won: by as many as expected
  };
  Task<Acquired> acquire(const RedisKeys& keys, const LockClaim& claim, BootTime deadline);

  // False: not held by this owner (any more). Sets the owner.
  Task<bool> renew(const RedisKeys& keys, std::string& owner, Milliseconds ttl, BootTime deadline);
  Task<bool> release(const RedisKeys& keys, const std::string& owner, BootTime deadline);

  struct Admitted {
    std::optional<FetchRefusal> refusal;  // none: admitted
    Milliseconds wait{};                  // if refused
    Milliseconds window_left{};           // if admitted
    std::uint64_t calls = 0;
  };
  Task<Admitted> admit(const RedisKeys& keys, const std::string& owner, const FetchLimits& limits, BootTime deadline);

  struct Published {
    enum class Outcome { stored, same, refused };
    Outcome outcome = Outcome::refused;
    std::optional<SecretString> record;  // same, refused: the stored record
    bool replicated = true;              // stored, same: by as many as expected
  };
  // `text`: the record as it is stored, JSON or sealed; generation and expiry are repeated beside it, the bare value in
  // the mirror if there is one.
  Task<Published> publish(const RedisKeys& keys, const std::string& owner, const Record& record,
                          const SecretString& text, BootTime deadline);

  // `unreadable`: the text that is stored under the same generation. False: another text is stored by now.
  Task<bool> replace(const RedisKeys& keys, const SecretString& unreadable, const SecretString& text,
                     BootTime deadline);

  Task<std::optional<SecretString>> load(const RedisKeys& keys, BootTime deadline);
  // False: a longer pause is stored.
  Task<bool> pause(const RedisKeys& keys, Milliseconds duration, const std::string& reason, const std::string& request,
                   BootTime deadline);
  Task<> resume(const RedisKeys& keys, BootTime deadline);
  struct Usage {
    std::uint64_t calls = 0;
    std::optional<Milliseconds> window_left;
    bool paused = false;
  };
  Task<Usage> usage(const RedisKeys& keys, BootTime deadline);
  Task<> restore_usage(const RedisKeys& keys, std::uint64_t calls, Milliseconds window_left, Milliseconds window,
                       BootTime deadline);
  // To the listeners of the channel; nothing is stored.
  Task<> announce_rejection(const RedisKeys& keys, Generation generation, BootTime deadline);
  // The server's clock.
  Task<std::chrono::sys_time<std::chrono::microseconds>> time(BootTime deadline);

  // For steps that are added elsewhere (lock_operations.hpp).
  // `keys`: of the script, out of those `of` the token. An error about a key's type names the key.
  Task<redis::Reply> run(const redis::Script& script, const RedisKeys& of, std::span<const std::string> keys,
                         std::span<const std::string_view> arguments, BootTime deadline);
  Task<redis::Reply> run_replicated(const redis::Script& script, const RedisKeys& of, std::span<const std::string> keys,
                                    std::span<const std::string_view> arguments, BootTime deadline, bool& replicated);
  // The lock's owner in a script's reply: `asked`, or the time that scripts/lib/lock_value.lua puts in its place.
  [[nodiscard]] static std::string owner_of(const redis::Reply& reply, const RedisKeys& keys, const std::string& asked);
  // For the channel of these keys.
  template <typename Message>
  [[nodiscard]] std::string message_of(const RedisKeys& keys, const Message& message) const {
    return codec_.sign(keys.name, encode_message(message));
  }

 private:
  Task<> explain(const RedisKeys& of, std::span<const std::string> keys, const redis::ServerError& refused,
                 BootTime deadline);
  [[noreturn]] void throw_wrong_type(const std::string& key, bool hash) const;

  std::shared_ptr<redis::CommandRunner> runner_;
  std::string clock_key_;
  FleetCodec codec_;
  int replicas_;
  Duration patience_;
};

}  // namespace jeton::agent
