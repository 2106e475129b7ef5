#include "agent/provider/path_watch.hpp"

#include <sys/inotify.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/log.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/provider/inotify.hpp"

namespace jeton::agent {
namespace {

constexpr int max_links = 40;  // on the way to a file, as in the kernel
// IN_ATTRIB: a file becomes readable after it was written, as install(1) makes it.
constexpr std::uint32_t watched = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE |
                                  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

constexpr Duration look_again = std::chrono::seconds(5);  // where changes cannot be noticed

// The names on the way, "a" and "b" of /a/b.
std::deque<std::string> names_of(const std::filesystem::path& path) {
  std::deque<std::string> names;
  for (const auto& part : path.relative_path()) {
    if (!part.empty() && part != ".") names.push_back(part.string());
  }
  return names;
}

// The result of a walk along all paths.
struct WalkedPaths {
  std::map<int, std::set<std::string>> names;    // watched directory -> the relevant names in it
  std::set<std::pair<int, std::string>> finals;  // the files themselves
  std::string trouble;                           // a directory cannot be watched, and why
  std::optional<std::vector<FileState>> files;   // of each path; nothing: the file system does not answer
};

// Watches before it looks, so that nothing slips in between the two.
void walk(int inotify, const std::filesystem::path& path, WalkedPaths& found) {
  std::deque<std::string> rest = names_of(path);
  std::filesystem::path directory = "/";
  int links = 0;
  while (!rest.empty()) {
    const std::string name = rest.front();
    rest.pop_front();
    if (name == "..") {
      directory = directory.parent_path();
      continue;
    }
    const int descriptor = ::inotify_add_watch(inotify, directory.c_str(), watched);
    const int error = descriptor < 0 ? errno : 0;
    if (descriptor >= 0) found.names[descriptor].insert(name);
    std::error_code gone;
    const std::filesystem::path here = directory / name;
    const auto status = std::filesystem::symlink_status(here, gone);
    const bool missing = gone || !std::filesystem::exists(status);
    // A directory that may be entered and not listed cannot be watched. Nothing is seen of one that may not be entered.
    const bool is_closed = error == EACCES && gone == std::errc::permission_denied;
    if (error != 0 && error != ENOENT && error != ENOTDIR && !is_closed) {
      const char* const advice = error == ENOSPC ? " (see fs.inotify.max_user_watches)" : "";
      found.trouble = errno_error("cannot watch " + directory.string() + advice, error).what();
    }
    if (missing || !std::filesystem::is_symlink(status)) {
      if (rest.empty() && descriptor >= 0) found.finals.insert({descriptor, name});
      if (missing) return;
      directory = here;
      continue;
    }
    const auto target = std::filesystem::read_symlink(here, gone);
    if (gone || ++links > max_links) return;
    if (target.is_absolute()) directory = "/";
    const std::deque<std::string> through = names_of(target);
    rest.insert(rest.begin(), through.begin(), through.end());
  }
}

}  // namespace

// Held by shared_ptr: a callback that is already queued in the loop may outlive the watch by one turn.
struct PathWatch::Impl final : Inotify::User, std::enable_shared_from_this<Impl> {
  Impl(Timers& t, std::vector<std::string> p, std::function<void()> c)
      : timers(t), paths(std::move(p)), changed(std::move(c)) {
    try {
      inotify = Inotify::of(timers);
    } catch (const Error& e) {
      complain(e.what());
    }
  }

  // Existing watches stay; a directory that is no longer part of the path is not watched any more. True: the files may
  // be others than the last time.
  bool watch_all() {
    WalkedPaths found;
    try {
      const auto descriptor = inotify ? inotify->descriptor() : nullptr;
      found = bounded("the way to " + paths.front(), [descriptor, all = paths] {
        WalkedPaths whole;
        whole.files.emplace();
        for (const std::string& path : all) {
          if (descriptor) walk(descriptor->get(), path, whole);
          whole.files->emplace_back(path);
        }
        return whole;
      });
    } catch (const Error& e) {
      found.trouble = e.what();
    }
    if (!found.trouble.empty()) complain(found.trouble);
    const std::map<int, std::set<std::string>> before = std::exchange(names, std::move(found.names));
    finals = std::move(found.finals);
    // The new ones first: a directory that both have stays watched.
    for_each_place(names,
                   [this](int directory, const std::string& name) { inotify->add(directory, name, weak_from_this()); });
    for_each_place(before, [this](int directory, const std::string& name) {
      const auto still = names.find(directory);
      if (still == names.end() || !still->second.contains(name)) inotify->remove(directory, name, weak_from_this());
    });
    if (!found.trouble.empty() || !inotify) look_later();
    const bool is_same = found.files && found.files == files;
    files = std::move(found.files);
    return !is_same;
  }

  template <typename Action>
  static void for_each_place(const std::map<int, std::set<std::string>>& places, const Action& action) {
    for (const auto& [directory, in_it] : places) {
      for (const std::string& name : in_it) action(directory, name);
    }
  }

  void look_later() {
    timers.cancel(poll);
    poll = timers.schedule(timers.clock().boot_now() + look_again, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->ended) return;
      if (self->watch_all()) self->changed();  // last: the callback may end the watch
    });
  }

  void end() {
    ended = true;
    timers.cancel(poll);
    for_each_place(
        names, [this](int directory, const std::string& name) { inotify->remove(directory, name, weak_from_this()); });
    names.clear();
    inotify.reset();
  }

  void complain(const std::string& why) {
    if (std::exchange(complained, true)) return;
    log::warning(log::file_watch_late, "changes of a file are noticed late", {{"path", paths.front()}, {"error", why}});
  }

  void moved(bool by_loop) override {
    if (ended) return;
    watch_all();
    pending = true;
    if (!by_loop) return notify_soon();  // the caller may have read the file before the change
    pending = false;
    changed();  // last: the callback may end the watch
  }

  void notify_soon() {
    timers.schedule(timers.clock().boot_now(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->ended && std::exchange(self->pending, false)) self->changed();
    });
  }

  bool note(const inotify_event& event) override {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      writing.clear();  // the close of a file may be among what was lost
      return true;
    }
    const auto directory = names.find(event.wd);
    if (directory == names.end()) return false;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) return true;
    const std::string name = event.len > 0 ? event.name : "";
    if (!directory->second.contains(name)) return false;
    const std::pair<int, std::string> place{event.wd, name};
    if ((event.mask & IN_MODIFY) != 0) {
      if (finals.contains(place)) writing.insert(place);
      return false;
    }
    if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) != 0) writing.erase(place);
    return true;
  }

  Timers& timers;
  const std::vector<std::string> paths;
  const std::function<void()> changed;
  std::shared_ptr<Inotify> inotify;            // null: there is no instance left, and files are looked at
  std::map<int, std::set<std::string>> names;  // as WalkedPaths
  std::set<std::pair<int, std::string>> finals;
  std::optional<std::vector<FileState>> files;    // as WalkedPaths
  std::set<std::pair<int, std::string>> writing;  // of these, the ones that are being written
  bool pending = false;                           // a change that was not reported yet
  bool complained = false;
  bool ended = false;
  Timers::Id poll = 0;
};

PathWatch::PathWatch(Timers& timers, std::vector<std::string> paths, std::function<void()> changed)
    : impl_(std::make_shared<Impl>(timers, std::move(paths), std::move(changed))) {
  impl_->watch_all();
}

PathWatch::~PathWatch() { impl_->end(); }

bool PathWatch::being_written() {
  if (impl_->inotify) impl_->inotify->take_in(false);
  for (const auto& place : impl_->writing) {
    if (impl_->finals.contains(place)) return true;
  }
  return false;
}

}  // namespace jeton::agent
