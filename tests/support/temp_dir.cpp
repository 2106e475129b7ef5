#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace jeton::test {
namespace {

// Some tests write a program and run it; /dev/shm of a container may forbid that.
bool can_run_programs(const char* directory) {
  struct statvfs file_system = {};
  return ::statvfs(directory, &file_system) == 0 && (file_system.f_flag & ST_NOEXEC) == 0;
}

std::string parent() {
  constexpr const char* shm = "/dev/shm";
  if (::access(shm, W_OK) == 0 && can_run_programs(shm)) return shm;
  return std::filesystem::temp_directory_path().string();
}

}  // namespace

TempDir::TempDir() {
  ::umask(022);  // the agent refuses a directory that others may write
  std::string pattern = parent() + "/jeton-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempDir::write(std::string_view name, std::string_view content) const {
  std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
  ::chmod(file.c_str(), 0600);
  return file;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace jeton::test
