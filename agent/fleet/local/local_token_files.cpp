#include "agent/fleet/local/local_token_files.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/private_file.hpp"
#include "agent/fleet/local/host_lock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

// The state is locked for the time of reading and writing a small file; another process may be stopped in it.
constexpr Duration state_lock_timeout = 500ms;
constexpr Duration state_lock_retry = 2ms;
// Begins with a dot, because no token's name does: the lock of a token is a file in the same directory.
constexpr const char* state_lock = ".state.lock";

// This is not part of the caller's request: a full disk does not fail the request, and the next one tries again.
void tidy(const std::filesystem::path& file, const LocalState& state) {
  try {
    save_local_state(file, state);
  } catch (const Error& e) {
    log::debug("old state of the local coordinator cannot be removed", {{"file", file.string()}, {"error", e.what()}});
  }
}

}  // namespace

LocalTokenFiles::LocalTokenFiles(Timers& timers, std::filesystem::path directory)
    : timers_(timers), directory_(std::move(directory)), stop_event_(timers) {}

Task<> LocalTokenFiles::change(std::shared_ptr<LocalTokenFiles> self, std::string name,
                               std::function<bool(LocalState&)> step) {
  try {
    self->check_usable(name);
    HostLock lock(self->directory_ / state_lock);
    const BootTime give_up_at = self->now() + state_lock_timeout;
    while (!lock.try_lock()) {
      if (self->now() >= give_up_at) throw Error("another process holds " + (self->directory_ / state_lock).string());
      co_await self->stop_event_.wait_until(self->now() + state_lock_retry);
      self->check_usable(name);
    }
    const std::filesystem::path file = self->directory_ / (name + ".json");
    LocalState state = load_local_state(file, self->wall_now());
    const bool was_put_back = state.put_back(self->wall_now());
    const bool has_forgotten = self->forget_what_ended(state);
    if (step(state)) {
      save_local_state(file, state);
    } else if (was_put_back || has_forgotten) {
      tidy(file, state);
    }
    self->forget_later(name, state);
    self->last_error_.clear();
  } catch (const Error& e) {
    self->last_error_ = e.what();
    throw TransportError(e.what());
  }
}

void LocalTokenFiles::prune_except(const std::set<std::string>& names) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    for (const std::string_view suffix : {".json", ".json.new"}) {
      if (!file.ends_with(suffix) || names.contains(file.substr(0, file.size() - suffix.size()))) continue;
      std::error_code ignored;
      std::filesystem::remove(entry->path(), ignored);
      log::info("removed the state of a token that is not configured", {{"file", entry->path().string()}});
      break;
    }
  }
  for (const std::string& name : names) {
    const bool is_kept = std::filesystem::exists(directory_ / (name + ".json"), error);
    if (is_kept && !forget_timers_.contains(name)) forget_at(name, now());
  }
}

void LocalTokenFiles::stop() {
  stopped_ = true;
  for (const auto& [name, timer] : forget_timers_) timers_.cancel(timer);
  forget_timers_.clear();
  stop_event_.notify();
}

void LocalTokenFiles::check_usable(const std::string& name) const {
  if (stopped_) throw Error("the local coordinator is stopped");
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    throw Error("'" + name + "' cannot be the name of a file");
  }
  make_private_directory(directory_);
}

// Removes a record or a previous token that has ended. True: there was one. Every later generation is above that of a
// removed record.
bool LocalTokenFiles::forget_what_ended(LocalState& state) const {
  if (!state.record) return false;
  const Clock& clock = timers_.clock();
  if (!state.record->valid(clock)) {
    state.fence = std::max(state.fence, state.record->generation);
    state.record.reset();
    return true;
  }
  if (!state.record->previous || state.record->previous->acceptable(clock)) return false;
  state.record->previous.reset();
  return true;
}

void LocalTokenFiles::forget_later(const std::string& name, const LocalState& state) {
  if (const auto timer = forget_timers_.find(name); timer != forget_timers_.end()) {
    timers_.cancel(timer->second);
    forget_timers_.erase(timer);
  }
  if (!state.record || stopped_) return;
  const Clock& clock = timers_.clock();
  BootTime end = std::min(boot_time_of(state.record->expires_at, clock), state.record->expires_boot);
  if (const auto& previous = state.record->previous) {
    end = std::min({end, boot_time_of(previous->accept_until, clock), previous->accept_until_boot});
  }
  forget_at(name, end);
}

void LocalTokenFiles::forget_at(const std::string& name, BootTime when) {
  forget_timers_[name] = timers_.schedule(when, [weak = weak_from_this(), name] {
    const auto self = weak.lock();
    if (!self) return;
    self->forget_timers_.erase(name);
    // If it fails, health() says so, and the next access tries again.
    start_task(self->timers_.executor(), change(self, name, [](LocalState&) { return false; }));
  });
}

}  // namespace jeton::agent
