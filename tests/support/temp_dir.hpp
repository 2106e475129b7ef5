// A directory of the test's own, removed with everything in it. In /dev/shm, because segments belong on a tmpfs; in
// TMPDIR where /dev/shm cannot be written or runs no programs. Sets the umask of the process to 022.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace jeton::test {

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  // Writes a file (mode 0600) below the directory, creating folders on the way; returns its path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace jeton::test
