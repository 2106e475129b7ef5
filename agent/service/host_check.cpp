// The host's limits for the agent's process (examination.hpp).
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/service/examination.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

using Level = Finding::Level;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t scarce_room = 1024 * kibibyte;
constexpr std::size_t scarce_descriptors = 4096;  // each local client has one, and a fleet of them may wait for locks

std::string kibibytes(std::uint64_t bytes) { return std::to_string(bytes / kibibyte) + " KiB"; }

// Of this process; VmLck in /proc/self/status, as in proc(5).
std::uint64_t locked_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    std::uint64_t kib = 0;
    if (name == "VmLck:" && status >> kib) return kib * kibibyte;
  }
  return 0;
}

std::uint64_t bytes_of_files(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const std::uint64_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

// With room for a quarter more.
std::uint64_t enough_mebibytes(std::uint64_t bytes) {
  constexpr std::uint64_t mebibyte = 1024 * kibibyte;
  return std::max<std::uint64_t>((bytes + bytes / 4) / mebibyte + 1, 64);
}

Finding examine_memory_lock(const std::filesystem::path& segments) {
  const std::uint64_t wanted = bytes_of_files(segments);
  const std::uint64_t locked = locked_bytes();
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string allowed = limit.rlim_cur == RLIM_INFINITY ? "no limit" : "a limit of " + kibibytes(limit.rlim_cur);
  if (locked >= wanted) {
    return {Level::ok, "memlock", "the segments are locked into memory: " + kibibytes(locked) + " with " + allowed};
  }
  return {Level::warning, "memlock",
          "only " + kibibytes(locked) + " of " + kibibytes(wanted) + " of the segments are locked into memory, with " +
              allowed + ": tokens may be swapped to a disk",
          "sudo systemctl edit jeton-agent   # [Service] LimitMEMLOCK=" + std::to_string(enough_mebibytes(wanted)) +
              "M, then restart it"};
}

Finding examine_descriptors() {
  const std::size_t allowed = allowed_descriptors();
  const std::string text = std::to_string(allowed) + " descriptors are allowed";
  if (allowed >= scarce_descriptors) return {Level::ok, "descriptors", text};
  return {Level::warning, "descriptors", text + ": each local client needs one",
          "sudo systemctl edit jeton-agent   # [Service] LimitNOFILE=65536, then restart it"};
}

Finding examine_inotify(const std::filesystem::path& directory) {
  const UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) {
    return {Level::problem, "inotify", "no instance is left: " + std::generic_category().message(errno),
            "sudo sysctl fs.inotify.max_user_instances=1024"};
  }
  if (::inotify_add_watch(fd.get(), directory.c_str(), IN_DELETE_SELF) < 0 && errno == ENOSPC) {
    return {Level::problem, "inotify", "no watch is left for the agent's user",
            "sudo sysctl fs.inotify.max_user_watches=65536"};
  }
  return {Level::ok, "inotify", "instances and watches are left"};
}

struct Room {
  std::string problem{};  // empty: the rest is known
  std::uint64_t bytes = 0;
  bool has_inodes = true;
  bool in_memory = false;
};

Room room_of(const std::filesystem::path& directory) {
  try {
    return bounded(directory.string(), [directory] {
      Room room;
      struct statfs status {};
      if (::statfs(directory.c_str(), &status) != 0 || ::access(directory.c_str(), W_OK | X_OK) != 0) {
        room.problem = std::generic_category().message(errno);
        return room;
      }
      room.bytes = static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_bsize);
      room.has_inodes = status.f_files == 0 || status.f_ffree > 0;  // some file systems do not count them
      room.in_memory = status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
      return room;
    });
  } catch (const Error& e) {
    return {.problem = e.what()};
  }
}

Finding judge_room(const std::string& subject, const std::filesystem::path& directory, const Room& room) {
  if (!room.problem.empty()) {
    return {Level::problem, subject, directory.string() + ": " + room.problem, "ls -ld " + directory.string()};
  }
  if (room.bytes < scarce_room || !room.has_inodes) {
    return {Level::problem, subject,
            directory.string() + " is full: " + kibibytes(room.bytes) + " are free" +
                (room.has_inodes ? "" : ", and no inode"),
            "df -h " + directory.string() + " && df -i " + directory.string()};
  }
  return {Level::ok, subject, directory.string() + " has " + kibibytes(room.bytes) + " free"};
}

}  // namespace

Findings examine_limits(const std::filesystem::path& segments) {
  return {examine_memory_lock(segments), examine_descriptors(), examine_inotify(segments)};
}

Findings examine_directories(const AgentConfig& config, bool needs_state) {
  const Room runtime = room_of(config.runtime_dir);
  Findings found{judge_room("runtime_dir", config.runtime_dir, runtime)};
  if (runtime.problem.empty() && !runtime.in_memory) {
    found.push_back({Level::warning, "runtime_dir",
                     config.runtime_dir.string() + " is not on tmpfs: tokens may be written to a disk",
                     "findmnt -T " + config.runtime_dir.string()});
  }
  if (!needs_state) return found;
  const std::filesystem::path state = state_dir_of(config);
  found.push_back(judge_room("state_dir", state, room_of(state)));
  return found;
}

}  // namespace jeton::agent
