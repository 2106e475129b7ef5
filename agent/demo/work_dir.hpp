// A private directory for the time of the demo, on tmpfs where there is one; removed with everything in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace jeton::agent::demo {

class WorkDir {
 public:
  // In $XDG_RUNTIME_DIR, /dev/shm or /tmp, the first that can be written. Throws Error.
  WorkDir();
  ~WorkDir();
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Throws Error if it cannot be written.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace jeton::agent::demo
