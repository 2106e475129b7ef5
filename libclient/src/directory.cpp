#include "libclient/src/directory.hpp"

#include <cstdlib>

namespace jeton::client {

// A set-user-ID program must not be led astray by its caller's environment: secure_getenv.
const char* chosen_directory(const jeton_options& options) noexcept {
  if (options.directory != nullptr && options.directory[0] != '\0') return options.directory;
  const char* from_environment = ::secure_getenv("JETON_DIR");
  if (from_environment != nullptr && from_environment[0] != '\0') return from_environment;
  return "/run/jeton";
}

}  // namespace jeton::client
