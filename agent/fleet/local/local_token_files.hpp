// LocalTokenFiles: the state of each token of this host in a file of its own. One process at a time changes a file.
//
// A file holds its token in the clear, so it holds it no longer than the token can be used: a timer removes the token,
// also while no call comes. One thread: the loop's.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/task.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/local/local_state.hpp"

namespace jeton::agent {

class LocalTokenFiles : public std::enable_shared_from_this<LocalTokenFiles> {
 public:
  // Timers outlive it.
  LocalTokenFiles(Timers& timers, std::filesystem::path directory);

  // Runs `step` on the state of one token; saves the state if it returns true. Throws TransportError if a file cannot
  // be read or written: the state is not known then.
  static Task<> change(std::shared_ptr<LocalTokenFiles> self, std::string name, std::function<bool(LocalState&)> step);

  // Removes the files of all other tokens, and from the files of these tokens the records that have ended since the
  // last run.
  void prune_except(const std::set<std::string>& names);
  // From now on every call throws.
  void stop();

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }  // empty: the last call went well

 private:
  void check_usable(const std::string& name) const;
  [[nodiscard]] bool forget_what_ended(LocalState& state) const;
  void forget_later(const std::string& name, const LocalState& state);
  void forget_at(const std::string& name, BootTime when);
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] WallTime wall_now() const { return timers_.clock().wall_now(); }

  Timers& timers_;
  std::filesystem::path directory_;
  std::string last_error_;
  bool stopped_ = false;
  Event stop_event_;
  std::map<std::string, Timers::Id> forget_timers_;
};

}  // namespace jeton::agent
