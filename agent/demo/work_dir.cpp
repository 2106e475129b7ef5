#include "agent/demo/work_dir.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"

namespace jeton::agent::demo {

WorkDir::WorkDir() {
  const char* const runtime = environment_variable("XDG_RUNTIME_DIR");
  for (const std::string parent : {runtime == nullptr ? "" : runtime, "/dev/shm", "/tmp"}) {
    std::string name = parent + "/jeton-demo-XXXXXX";
    if (parent.empty() || ::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
    return;
  }
  throw errno_error("no directory for the demo in XDG_RUNTIME_DIR, /dev/shm or /tmp");
}

WorkDir::~WorkDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path WorkDir::write(std::string_view name, std::string_view content) const {
  std::filesystem::path file = path_ / name;
  std::ofstream out(file);
  out << content;
  if (!out.flush()) throw Error("cannot write " + file.string());
  return file;
}

}  // namespace jeton::agent::demo
