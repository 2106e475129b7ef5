// RedisOperations: the steps about a token on one Redis deployment, beside those of its lock (lock_operations.hpp): its
// record, pause and count of calls, each a script with typed arguments and reply; and the server's clock. The scripts
// know durations and the server's times only: a record is in the server's time. RedisServer (redis_server.hpp) is made
// of these.
//
// Every call throws TransportError if the server cannot be asked or its answer makes no sense. A handle: copies share
// the client. Arguments by reference need to live until the Task is done. One thread: the loop's.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/base/time.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

class RedisOperations : private ScriptSteps {
 public:
  // `clock`: this host's. `clock_key`: the server that would hold it is the one whose clock counts (a Cluster has
  // many).
  RedisOperations(ScriptSteps steps, const Clock& clock, std::string clock_key)
      : ScriptSteps(std::move(steps)), clock_(clock), clock_key_(std::move(clock_key)) {}
  using ScriptSteps::is_connected;

  Task<Admission> admit(RedisKeys keys, Lease lease, FetchLimits limits, BootTime deadline);

  struct Published {
    enum class Outcome { stored, same, refused };
    Outcome outcome = Outcome::refused;
    std::optional<SecretString> record;  // same, refused: the stored record
    bool replicated = true;              // stored, same: by as many as expected
  };
  // `text`: the record as it is stored, JSON or sealed; generation and expiry are repeated beside it, the bare value in
  // the mirror if there is one.
  Task<Published> publish(RedisKeys keys, const std::string& owner, const Record& record, const SecretString& text,
                          BootTime deadline);

  // `unreadable`: the text that is stored under the same generation. False: another text is stored by now. The fleet is
  // notified.
  Task<bool> replace(RedisKeys keys, const SecretString& unreadable, const SecretString& text, BootTime deadline);
  Task<std::optional<SecretString>> load(RedisKeys keys, BootTime deadline);

  Task<FetchUsage> usage(RedisKeys keys, BootTime deadline);
  // False: a longer pause is stored.
  Task<bool> pause(RedisKeys keys, Pause pause, BootTime deadline);
  // The results of the following say only that the server has answered.
  Task<bool> resume(RedisKeys keys, ResumeReason reason, BootTime deadline);
  Task<bool> restore_usage(RedisKeys keys, FetchUsage usage, FetchLimits limits, BootTime deadline);
  // To the listeners of the channel; nothing is stored.
  Task<bool> announce_rejection(RedisKeys keys, Generation generation, BootTime deadline);
  // The server's clock.
  Task<std::chrono::sys_time<std::chrono::microseconds>> time(BootTime deadline);

 private:
  const Clock& clock_;
  std::string clock_key_;
};

}  // namespace jeton::agent
