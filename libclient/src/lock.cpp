#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "libclient/src/lock_handle.hpp"
#include "libclient/src/opener.hpp"
#include "libclient/src/sized_struct.hpp"

namespace jeton::client {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// The same rule as in the agent (agent/config/model/lock_names.cpp); such a name can be part of a path unescaped.
bool is_lock_name(const char* name) {
  if (name == nullptr || !is_alphanumeric(name[0])) return false;
  const std::size_t size = std::strlen(name);
  for (const char* at = name; *at != '\0'; ++at) {
    if (!is_alphanumeric(*at) && std::strchr("._:-", *at) == nullptr) return false;
  }
  return size <= max_lock_name;
}

bool are_lock_names(const jeton_lock_options& options, const char* name) {
  if (!is_lock_name(name) || options.also_count >= max_locks) return false;
  if (options.also_count > 0 && options.also == nullptr) return false;
  for (std::size_t i = 0; i < options.also_count; ++i) {
    if (!is_lock_name(options.also[i]) || std::strcmp(options.also[i], name) == 0) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (std::strcmp(options.also[i], options.also[j]) == 0) return false;
    }
  }
  return true;
}

// The bytes of the character of UTF-8 (RFC 3629) at `text`, which is terminated; 0: there is none, or it is a control
// character.
std::size_t character_size(const char* text) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](int i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead < 0x20 || lead == 0x7f ? 0 : 1;
  if (lead < 0xc2 || lead > 0xf4 || !follows(1)) return 0;
  if (lead < 0xe0) return 2;
  const bool is_too_long = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool is_surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool is_above_unicode = lead == 0xf4 && byte(1) >= 0x90;
  if (is_too_long || is_surrogate || is_above_unicode || !follows(2)) return 0;
  if (lead < 0xf0) return 3;
  return follows(3) ? 4 : 0;
}

bool is_metadata(const char* text) {
  if (text == nullptr) return true;
  const char* at = text;
  while (*at != '\0') {
    const std::size_t size = character_size(at);
    if (size == 0) return false;
    at += size;
  }
  return static_cast<std::size_t>(at - text) <= max_metadata;
}

void set_name(LockName& made, const char* name) { std::memcpy(made.name, name, std::strlen(name) + 1); }

void destroy_lock(jeton_lock* lock) {
  ::pthread_mutex_destroy(&lock->mutex);
  ::pthread_mutex_destroy(&lock->turn);
  std::free(lock->directory);
  std::free(lock->metadata);
  std::free(lock->names);
  lock->~jeton_lock();
  std::free(lock);
}

bool fill(jeton_lock& lock, const jeton_lock_options& options, const char* name) {
  lock.ttl_ms = options.ttl_ms;
  lock.retry_ms = options.retry_ms;
  lock.count = 1 + options.also_count;
  lock.names = static_cast<LockName*>(std::calloc(lock.count, sizeof(LockName)));
  if (lock.names == nullptr) return false;
  set_name(lock.names[0], name);
  for (std::size_t i = 1; i < lock.count; ++i) set_name(lock.names[i], options.also[i - 1]);
  if (options.metadata != nullptr && (lock.metadata = ::strdup(options.metadata)) == nullptr) return false;
  jeton_options where = JETON_OPTIONS_INIT;
  where.directory = options.directory;
  lock.directory = absolute_directory(chosen_directory(where));
  return lock.directory != nullptr && enlist(lock);
}

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

extern "C" jeton_status jeton_lock_open(const jeton_lock_options* given, const char* name, jeton_lock** lock) {
  jeton_lock_options options = JETON_LOCK_OPTIONS_INIT;
  if (given != nullptr && !jeton::client::copy_in(options, *given)) return JETON_INVALID_ARGUMENT;
  if (lock == nullptr || !jeton::client::are_lock_names(options, name) || options.ttl_ms <= 0 || options.retry_ms < 0 ||
      !jeton::client::is_metadata(options.metadata)) {
    return JETON_INVALID_ARGUMENT;
  }
  void* memory = std::malloc(sizeof(jeton_lock));
  if (memory == nullptr) return JETON_SYSTEM_ERROR;
  auto* opened = new (memory) jeton_lock;
  ::pthread_mutex_init(&opened->turn, nullptr);
  ::pthread_mutex_init(&opened->mutex, nullptr);
  if (!jeton::client::fill(*opened, options, name)) {
    const int error = errno;
    jeton::client::destroy_lock(opened);
    errno = error;
    return JETON_SYSTEM_ERROR;
  }
  *lock = opened;
  return JETON_OK;
}

extern "C" void jeton_lock_close(jeton_lock* lock) {
  if (lock == nullptr) return;
  const int error = errno;
  static_cast<void>(jeton_lock_release(lock));
  jeton::client::strike_off(*lock);
  jeton::client::destroy_lock(lock);
  errno = error;
}

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
