// TokenStore: where the refresh loop stores a token for the processes of this host. The real one is a segment in
// shared memory (segment_store.hpp); a simulation keeps it in a variable. One thread: the loop's.
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

  // The record found in the segment of an earlier run, if there was one; its bytes are trusted only if the checksum
  // held. Or that of the loop before this one.
  [[nodiscard]] virtual std::optional<Record> adopted() const = 0;
  // Of the stored token; 0: none.
  [[nodiscard]] virtual Generation generation() const = 0;

  // Makes `record` current with the flag valid (expired if it already is at `now`) and wakes waiters. Throws Error if
  // it does not fit the capacity or the generation is below the stored one; the readable token stays readable. The same
  // generation may be written again (its previous token ran out, its times were corrected).
  virtual void publish(const Record& record, WallTime now) = 0;

  // The current token ran out: flips valid to expired and wakes waiters. Idempotent.
  virtual void mark_expired() = 0;

  // The provider refused the current token: it stays readable and gets the flag rejected, until a newer generation is
  // published. Wakes waiters. Idempotent.
  virtual void mark_rejected() = 0;
  // Whether the current token has that flag, also from an earlier run.
  [[nodiscard]] virtual bool rejected() const = 0;

  // "The agent is alive": every few seconds.
  virtual void heartbeat(WallTime now) = 0;

  // The token was removed from the configuration: marks retired, wakes, wipes, unlinks. Nothing may follow.
  virtual void retire() = 0;
};

}  // namespace jeton::agent
