// StoredRecords: reads what stands under the keys of tokens on one server. What cannot be a record is reported once,
// until a good one comes, and counts as none. One thread: the loop's.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "agent/fleet/redis/redis_channels.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

class StoredRecords {
 public:
  // The channels outlive it: their listeners hear of what is refused.
  StoredRecords(FleetCodec codec, const Clock& clock, RedisChannels& channels)
      : codec_(std::move(codec)), clock_(clock), channels_(channels) {}

  // In this host's time. `where`: the server, `key`: for the log.
  std::optional<Record> read(const std::string& name, const std::optional<SecretString>& text, Milliseconds offset,
                             const std::string& where, const std::string& key);

 private:
  FleetCodec codec_;
  const Clock& clock_;
  RedisChannels& channels_;
  std::set<std::string> malformed_;  // tokens whose stored record was reported
};

}  // namespace jeton::agent
