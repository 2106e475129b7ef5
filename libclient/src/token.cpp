#include "libclient/src/token.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "libclient/src/opener.hpp"
#include "libclient/src/sized_struct.hpp"

namespace jeton::client {
void release(jeton_token* token) noexcept {
  // acq_rel: what other threads did with the token happens before it is freed.
  if (token->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Mapping* mapping = token->current.load(std::memory_order_relaxed);
  while (mapping != nullptr) {
    Mapping* older = mapping->older;
    destroy(mapping);
    mapping = older;
  }
  std::free(token->directory);
  token->~jeton_token();
  std::free(token);
}

jeton_status reopen(jeton_token& token, const Mapping* seen) noexcept {
  // Another thread may have been here first.
  if (token.current.load(std::memory_order_acquire) != seen) return JETON_OK;
  Mapping* fresh = nullptr;
  const jeton_status status = open_mapping(token.directory, token.name, &fresh);
  if (fresh == nullptr) return status;
  if (seen != nullptr && fresh->device == seen->device && fresh->inode == seen->inode) {
    destroy(fresh);
    return JETON_NOT_FOUND;
  }
  auto* expected = const_cast<Mapping*>(seen);
  fresh->older = expected;
  // Release: a thread that loads the pointer sees the finished Mapping.
  if (!token.current.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) destroy(fresh);
  return JETON_OK;
}

bool found_replacement(jeton_token& token, const Mapping& seen, std::int64_t now_ms) noexcept {
  constexpr std::int64_t every_ms = 1000;
  std::int64_t next = token.next_look_ms.load(std::memory_order_relaxed);
  // A clock that was set back must not put the next look off.
  if (now_ms < next && next - now_ms <= every_ms) return false;
  if (!token.next_look_ms.compare_exchange_strong(next, now_ms + every_ms, std::memory_order_relaxed)) return false;
  if (!is_replaced(token.directory, token.name, seen)) return false;
  return reopen(token, &seen) == JETON_OK;
}

}  // namespace jeton::client

using jeton::client::Mapping;

extern "C" jeton_status jeton_open(const jeton_options* given, const char* name, jeton_token** token) {
  jeton_options options = JETON_OPTIONS_INIT;
  if (given != nullptr && !jeton::client::copy_in(options, *given)) return JETON_INVALID_ARGUMENT;
  if (name == nullptr || token == nullptr || !jeton::layout::is_token_name(name)) return JETON_INVALID_ARGUMENT;
  if ((options.flags & ~(JETON_ALLOW_EXPIRED | JETON_ALLOW_MISSING)) != 0) return JETON_INVALID_ARGUMENT;

  void* memory = std::malloc(sizeof(jeton_token));
  if (memory == nullptr) return JETON_SYSTEM_ERROR;
  auto* opened = new (memory) jeton_token;
  opened->flags = options.flags;
  std::memcpy(opened->name, name, std::strlen(name));
  opened->directory = jeton::client::absolute_directory(jeton::client::chosen_directory(options));
  jeton_status status = JETON_SYSTEM_ERROR;
  Mapping* mapping = nullptr;
  if (opened->directory != nullptr) status = jeton::client::current_mapping(*opened, &mapping);
  const bool missing_is_fine = status == JETON_NOT_FOUND && opened->allows(JETON_ALLOW_MISSING);
  if (status != JETON_OK && !missing_is_fine) {
    const int error = errno;
    jeton::client::release(opened);
    errno = error;
    return status;
  }
  *token = opened;
  return JETON_OK;
}

extern "C" void jeton_close(jeton_token* token) {
  if (token != nullptr) jeton::client::release(token);
}
