#include <dirent.h>
#include <fcntl.h>
#include <jeton/jeton.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "libclient/layout/geometry.hpp"
#include "libclient/src/descriptor.hpp"
#include "libclient/src/opener.hpp"
#include "libclient/src/sized_struct.hpp"

namespace {

// The agent's temporary files begin with a dot, and so are no names of tokens.
int is_token(const dirent* entry) { return jeton::layout::is_token_name(entry->d_name) ? 1 : 0; }

int by_bytes(const dirent** a, const dirent** b) { return std::strcmp((*a)->d_name, (*b)->d_name); }

jeton_status why_not_listed() {
  if (errno == ENOENT) return JETON_NO_AGENT;
  if (errno == EACCES) return JETON_NO_PERMISSION;
  return errno == ENOTDIR ? JETON_NOT_REGULAR : JETON_SYSTEM_ERROR;
}

}  // namespace

extern "C" jeton_status jeton_list(const jeton_options* given, char* buffer, size_t capacity, size_t* size,
                                   size_t* count) {
  jeton_options options = JETON_OPTIONS_INIT;
  if (given != nullptr && !jeton::client::copy_in(options, *given)) return JETON_INVALID_ARGUMENT;
  if (size == nullptr || (buffer == nullptr && capacity != 0)) return JETON_INVALID_ARGUMENT;
  const jeton::client::Descriptor directory(
      ::open(jeton::client::chosen_directory(options), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return why_not_listed();
  dirent** entries = nullptr;
  const int found = ::scandirat(directory.get(), "segments", &entries, is_token, by_bytes);
  if (found < 0) return why_not_listed();

  std::size_t used = 0;
  for (int i = 0; i < found; ++i) {
    const std::size_t length = std::strlen(entries[i]->d_name) + 1;
    if (buffer != nullptr && used + length <= capacity) std::memcpy(buffer + used, entries[i]->d_name, length);
    used += length;
    std::free(entries[i]);
  }
  std::free(entries);
  *size = used;
  if (count != nullptr) *count = static_cast<std::size_t>(found);
  return used <= capacity ? JETON_OK : JETON_BUFFER_TOO_SMALL;
}
