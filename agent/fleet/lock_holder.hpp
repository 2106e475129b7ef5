// The holder of an application's lock, and the note that is stored beside the lock. Values, any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.hpp"

namespace jeton::agent {

// A process that asked for a lock, as the kernel of its host reported it to the agent there. Numbers of users and
// processes mean something on that host only.
struct LockHolder {
  std::string host;
  uid_t uid = static_cast<uid_t>(-1);
  pid_t pid = 0;  // 0: in another pid namespace
  bool operator==(const LockHolder&) const = default;
};

// The format of a holder beside its lock: `by` of the hash in Redis and of the file of a local lock. It is shown, too.
//
//   HOST uid UID pid PID      "host-1 uid 1000 pid 4711"
//
// Both numbers are decimal, and nothing follows them, so HOST may be any text. Empty: no holder is known.
[[nodiscard]] std::string lock_holder_text(const std::optional<LockHolder>& holder);
// Nothing for a text that is not of this format.
[[nodiscard]] std::optional<LockHolder> parse_lock_holder(std::string_view text);

// Whether both are of one user of one host. That user may see the owner id of its locks, with which they are released.
[[nodiscard]] bool is_same_user(const std::optional<LockHolder>& one, const std::optional<LockHolder>& other);

// The beginning of an owner id: enough to distinguish owners, and not enough to release a lock with.
[[nodiscard]] std::string short_owner_id(const std::string& owner);

// Written beside a lock, for people.
struct LockNote {
  std::optional<LockHolder> by{};  // none: taken by a client of another kind
  std::string metadata{};          // as the application gave it
  // For a held lock: the time since it was taken, by the clock of its server. None: not known.
  std::optional<Milliseconds> age{};
};

// "host-1 uid 1000 pid 4711, for 5m12s by now", or of a client of another kind the beginning of its owner id.
[[nodiscard]] std::string holder_text(const LockNote& note, const std::string& owner);

}  // namespace jeton::agent
