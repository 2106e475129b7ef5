#include "libclient/src/directory.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace jeton::client {

// A set-user-ID program must not be led astray by its caller's environment: secure_getenv.
const char* chosen_directory(const jeton_options& options) noexcept {
  if (options.directory != nullptr && options.directory[0] != '\0') return options.directory;
  const char* from_environment = ::secure_getenv("JETON_DIR");
  if (from_environment != nullptr && from_environment[0] != '\0') return from_environment;
  return "/run/jeton";
}

char* absolute_directory(const char* directory) noexcept {
  if (directory[0] == '/') return ::strdup(directory);
  char* here = ::getcwd(nullptr, 0);
  if (here == nullptr) return nullptr;
  char* joined = nullptr;
  if (::asprintf(&joined, "%s/%s", here, directory) < 0) joined = nullptr;
  std::free(here);
  return joined;
}

}  // namespace jeton::client
