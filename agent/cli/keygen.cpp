#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/cli/commands.hpp"
#include "agent/record/seal.hpp"

namespace jeton::agent {
namespace {

void write_line(int fd, const SecretString& key, const std::string& where) {
  SecretString line = key;
  line.append("\n");
  write_all(fd, line.reveal(), where);
}

}  // namespace

int run_keygen(const KeygenOptions& options) {
  const std::string& file = options.file;
  try {
    const SecretString key = Seal::new_key();
    if (file.empty()) {
      write_line(STDOUT_FILENO, key, "standard output");
      return 0;
    }
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) throw errno_error(file);
    write_line(fd.get(), key, file);
    if (::fsync(fd.get()) != 0) throw errno_error(file);
    std::fprintf(stderr, "%s: new key; copy it to every host, and make it readable by the agent's user only\n",
                 file.c_str());
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "jeton-agent keygen: %s\n", e.what());
    return 1;
  }
}

}  // namespace jeton::agent
