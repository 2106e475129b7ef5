// TokenStore: the store of a token for the processes of this host, written by the refresh loop. The real one is a
// segment in shared memory (segment_store.hpp); a simulation keeps it in a variable. One thread: the loop's.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/record/record.hpp"

namespace jeton::agent {

// Bits, as they are in the segment (libclient/layout/segment.hpp has the same values).
enum class TokenFlag : std::uint8_t { valid = 1, expired = 2, rejected = 4, retired = 8 };

class TokenStore {
 public:
  TokenStore() = default;
  TokenStore(const TokenStore&) = delete;
  TokenStore& operator=(const TokenStore&) = delete;
  virtual ~TokenStore() = default;

  // The record from the segment of an earlier run, if there was one (its bytes are trusted only if the checksum is
  // right), or the record of the loop before this one.
  [[nodiscard]] virtual std::optional<Record> adopted() const = 0;
  // The generation of the stored token; 0: none.
  [[nodiscard]] virtual Generation generation() const = 0;

  // Makes `record` current with the flag valid (expired if it already is at `now`) and wakes waiters. Throws Error if
  // it does not fit the capacity or the generation is below the stored one; the readable token stays readable. The same
  // generation may be written again (its previous token ran out, its times were corrected).
  virtual void publish(const Record& record, WallTime now) = 0;

  // Marks the current token as expired and wakes waiters. Idempotent.
  virtual void mark_expired() = 0;

  // The provider refused the current token: it stays readable and has the flag rejected until a newer generation is
  // published. Wakes waiters. Idempotent.
  virtual void mark_rejected() = 0;
  // Whether the current token has that flag, also from an earlier run.
  [[nodiscard]] virtual bool rejected() const = 0;

  // Notes that the agent is alive; called every few seconds.
  virtual void heartbeat(WallTime now) = 0;

  // The token was removed from the configuration: marks it as retired, wakes waiters, wipes and unlinks the segment.
  // The last call.
  virtual void retire() = 0;
};

}  // namespace jeton::agent
