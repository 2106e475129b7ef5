// PathWatch: reports when the file at a path may have changed, by inotify(7).
//
// It watches directories, not files: those of the path itself and of every symbolic link on the way, so that a file
// that is moved into place, a link that is swapped (..data of a Kubernetes volume) and a directory that is made later
// are all noticed. If no inotify instance or watch is left on the host (fs.inotify.max_user_instances,
// max_user_watches), a directory may not be listed, or a file system does not answer, it checks the file every few
// seconds instead, and the log says so once. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/timers.hpp"

namespace jeton::agent {

class PathWatch {
 public:
  // `paths` are absolute. `changed` is called from the loop, never from the constructor, perhaps once for several
  // changes or for one that did not matter; a new file may still be empty. Timers outlive the watch.
  PathWatch(Timers& timers, std::vector<std::string> paths, std::function<void()> changed);
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;
  ~PathWatch();

  // A writer has begun to change a file in place and has not closed it yet; `changed` follows when it does. Reads the
  // events until now: ask before reading the file, and after it. `changed` also follows for events that are read here.
  [[nodiscard]] bool being_written();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
