// The findings of this user of the host, for `jetonctl doctor`: the directory, the segments and the right to read
// them, the library, and what the kernel gives to a reader.
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "libclient/ctl/doctor.hpp"
#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr std::int64_t late_heartbeat_ms = 20'000;  // the agent writes one every five seconds

std::string user_name() {
  const uid_t uid = ::geteuid();
  const passwd* const entry = ::getpwuid(uid);
  return (entry == nullptr ? std::string("without a name") : std::string(entry->pw_name)) + " (uid " +
         std::to_string(uid) + ")";
}

// "app, jeton-readers".
std::string group_names() {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (std::find(groups.begin(), groups.end(), ::getegid()) == groups.end()) groups.push_back(::getegid());
  std::vector<std::string> names;
  for (const gid_t gid : groups) {
    const group* const entry = ::getgrgid(gid);
    names.push_back(entry == nullptr ? std::to_string(gid) : std::string(entry->gr_name));
  }
  return joined(names);
}

void judge_heartbeat(const SegmentState& segment, Findings& found) {
  if (!segment.info || segment.info->raw().heartbeat_age_ms < late_heartbeat_ms) return;
  found.push_back(trouble("segment " + segment.name,
                          "the agent wrote its last heartbeat " + duration_text(segment.info->raw().heartbeat_age_ms) +
                              " ago: it hangs or does not run",
                          "systemctl status jeton-agent"));
}

// What readers get while no agent answers.
void judge_segment(const SegmentState& segment, Findings& found) {
  const std::string subject = "segment " + segment.name;
  if (!segment.info) {
    found.push_back(trouble(subject, "there has been no token yet", "systemctl status jeton-agent"));
    return;
  }
  const std::int64_t left = segment.info->raw().expires_at_ms - unix_ms_now();
  if (segment.state == "expired") {
    found.push_back(trouble(
        subject, "has expired" + (left < 0 ? " " + relative_text(left) : std::string()) + ": readers get no token",
        "systemctl status jeton-agent"));
  } else {
    const std::string text = "readers have the token for " + duration_text(left) + " more";
    found.push_back(segment.state == "rejected"
                        ? doubt(subject, text + ", and the provider refuses it", "systemctl status jeton-agent")
                        : fine(subject, text));
  }
}

}  // namespace

Findings examine_directory(const std::filesystem::path& dir) {
  Findings found;
  if (const std::string text = no_agent_text(dir); !text.empty()) {
    found.push_back(trouble("runtime_dir", text, "sudo systemctl enable --now jeton-agent"));
    return found;
  }
  for (const std::filesystem::path& path : {dir, dir / "segments"}) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      found.push_back(trouble("runtime_dir", path.string() + ": " + std::generic_category().message(errno),
                              "ls -ld " + path.string()));
    } else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      found.push_back(trouble("runtime_dir", path.string() + " can be written by other users, so no reader trusts it",
                              "sudo chmod go-w " + path.string()));
    } else if ((status.st_mode & S_IXOTH) == 0) {
      found.push_back(doubt("runtime_dir",
                            path.string() + " can be entered by its owner only, so no reader finds tokens",
                            "sudo chmod 755 " + path.string()));
    }
  }
  if (found.empty()) found.push_back(fine("runtime_dir", dir.string() + " has the right modes"));
  return found;
}

Findings examine_segments(const std::filesystem::path& dir, bool answers) {
  Findings found;
  std::vector<std::string> readable;
  std::vector<std::string> denied;
  for (const SegmentState& segment : all_segments(dir)) {
    judge_heartbeat(segment, found);
    if (segment.state == "denied") {
      denied.push_back(segment.name);
    } else if (segment.state == "unreadable") {
      found.push_back(
          trouble("segment " + segment.name, segment.problem, "ls -l " + (dir / "segments" / segment.name).string()));
    } else {
      readable.push_back(segment.name);
      if (!answers) judge_segment(segment, found);
    }
  }
  const std::string who = "user " + user_name() + ", groups " + group_names();
  if (readable.empty() && !denied.empty()) {
    found.push_back(doubt("permissions", who + ", may read no token: " + joined(denied),
                          "sudo usermod -aG GROUP USER   # a group of tokens.NAME.access.groups in the configuration"));
  } else {
    found.push_back(fine("permissions", who + (readable.empty() ? "" : ", may read " + joined(readable)) +
                                            (denied.empty() ? "" : ", may not read " + joined(denied))));
  }
  return found;
}

Findings examine_system(const std::string& version) {
  Findings found;
  if (void* const library = ::dlopen("libjeton.so.1", RTLD_NOW | RTLD_LOCAL); library != nullptr) {
    using Version = const char* (*)();
    const auto ask = reinterpret_cast<Version>(::dlsym(library, "jeton_version"));
    const std::string of_library = ask == nullptr ? "?" : ask();
    if (of_library == version) {
      found.push_back(fine("libjeton", "version " + of_library));
    } else {
      found.push_back(doubt("libjeton", "programs load version " + of_library + ", this is jetonctl " + version,
                            "sudo ldconfig && ldconfig -p | grep libjeton"));
    }
    ::dlclose(library);
  }
  if (const int fd = ::inotify_init1(IN_CLOEXEC); fd >= 0) {
    ::close(fd);
    found.push_back(fine("inotify", "this user has instances left"));
  } else {
    found.push_back(trouble("inotify",
                            "this user has no instance left, so nothing can wait for a change by a descriptor",
                            "sudo sysctl fs.inotify.max_user_instances=1024"));
  }
  timex clock{};
  const int state = ::adjtimex(&clock);
  if (state == TIME_ERROR) {
    found.push_back(
        doubt("clock", "the kernel does not know whether this host's clock is right", "timedatectl status"));
  } else if (state >= 0) {
    found.push_back(fine("clock", "is synchronised"));
  }
  return found;
}

}  // namespace jeton::ctl
