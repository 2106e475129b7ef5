#include <cstdio>
#include <cstring>

#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

// The one of that name, NULL for the first; nullptr: the handle has none such, or has never held it.
const LockName* granted(jeton_lock& lock, const char* name) {
  disown_of_parent(lock);
  for (std::size_t i = 0; i < lock.count; ++i) {
    const LockName& one = lock.names[i];
    if (name == nullptr || std::strcmp(one.name, name) == 0) return one.owner[0] != '\0' ? &one : nullptr;
  }
  return nullptr;
}

}  // namespace
}  // namespace jeton::client

using jeton::client::LockGuard;

extern "C" jeton_status jeton_lock_fence(jeton_lock* lock, const char* name, uint64_t* fence) {
  if (lock == nullptr || fence == nullptr) return JETON_INVALID_ARGUMENT;
  const LockGuard guard(*lock);
  const jeton::client::LockName* one = jeton::client::granted(*lock, name);
  if (one == nullptr) return JETON_LOCK_NOT_HELD;
  *fence = one->fence;
  return JETON_OK;
}

extern "C" jeton_status jeton_lock_owner(jeton_lock* lock, const char* name, char* buffer, size_t capacity) {
  if (lock == nullptr || buffer == nullptr) return JETON_INVALID_ARGUMENT;
  const LockGuard guard(*lock);
  const jeton::client::LockName* one = jeton::client::granted(*lock, name);
  if (one == nullptr) return JETON_LOCK_NOT_HELD;
  const std::size_t size = std::strlen(one->owner) + 1;
  if (size > capacity) return JETON_BUFFER_TOO_SMALL;
  std::memcpy(buffer, one->owner, size);
  return JETON_OK;
}

extern "C" jeton_status jeton_lock_reason(jeton_lock* lock, char* buffer, size_t capacity) {
  if (lock == nullptr || buffer == nullptr || capacity == 0) return JETON_INVALID_ARGUMENT;
  const LockGuard guard(*lock);
  jeton::client::disown_of_parent(*lock);
  std::snprintf(buffer, capacity, "%s", lock->reason);
  return JETON_OK;
}
