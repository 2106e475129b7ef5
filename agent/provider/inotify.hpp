// Inotify: the inotify(7) instance of a loop, which all watches of the loop share. A user of the host has few of them
// (128 by default), and ten thousand tokens may come from files. One directory is one watch of the kernel, whichever
// paths lead through it. One thread: the loop's.
#pragma once

#include <sys/inotify.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class Inotify : public std::enable_shared_from_this<Inotify> {
 public:
  class User {
   public:
    User() = default;
    User(const User&) = delete;
    User& operator=(const User&) = delete;
    virtual ~User() = default;
    // An event about a place that the user has added. True: moved() is to be called.
    virtual bool note(const inotify_event& event) = 0;
    // All queued events have been noted. `by_loop`: no caller asked for them. It may end any watch.
    virtual void moved(bool by_loop) = 0;
  };

  // The one of this loop; the last user ends it. Throws Error if no instance is left. Timers outlive it.
  [[nodiscard]] static std::shared_ptr<Inotify> of(Timers& timers);

  explicit Inotify(Timers& timers);
  Inotify(const Inotify&) = delete;
  Inotify& operator=(const Inotify&) = delete;
  ~Inotify();

  // For inotify_add_watch() on another thread, which keeps it if it hangs.
  [[nodiscard]] const std::shared_ptr<const UniqueFd>& descriptor() const { return shared_; }

  // `directory`: the result of inotify_add_watch().
  void add(int directory, const std::string& name, const std::weak_ptr<User>& user);
  // A directory in which no user has a name is not watched any more.
  void remove(int directory, const std::string& name, const std::weak_ptr<User>& user);
  // Notes everything that is queued, and calls those whose way has moved.
  void take_in(bool by_loop);

 private:
  using Users = std::set<std::weak_ptr<User>, std::owner_less<>>;
  struct Events;

  void wait();
  void note(const inotify_event& event, Users& moved) const;

  std::unique_ptr<Events> events_;
  std::shared_ptr<const UniqueFd> shared_;
  std::map<int, std::map<std::string, Users>> users_;  // by directory and name in it
};

}  // namespace jeton::agent
