#include "agent/fleet/local/local_coordinator.hpp"

#include <boost/asio/post.hpp>
#include <functional>
#include <map>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/base/private_file.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/local/host_lock.hpp"
#include "agent/fleet/local/local_leases.hpp"
#include "agent/fleet/local/local_state.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

// The state is locked for the time of reading and writing a small file; another process may be stopped in it.
constexpr Duration state_lock_timeout = 500ms;
constexpr Duration state_lock_retry = 2ms;

}  // namespace

class LocalCoordinator::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, std::filesystem::path directory)
      : timers_(timers), random_(random), directory_(std::move(directory)), leases_(timers), stop_event_(timers) {}

  void stop() {
    stopped_ = true;
    for (const auto& [name, timer] : forget_timers_) timers_.cancel(timer);
    forget_timers_.clear();
    leases_.release_all();
    listeners_.clear();
    stop_event_.notify();
  }

  // Runs `step` on the state of one token while no other process or thread does; saves the state if it says so.
  // What goes wrong with the files is a TransportError: it is not known how things stand.
  static Task<> with_state(std::shared_ptr<Impl> self, std::string name, std::function<bool(LocalState&)> step) {
    try {
      self->check_usable(name);
      HostLock lock(self->directory_ / "state.lock");
      const BootTime give_up_at = self->now() + state_lock_timeout;
      while (!lock.try_lock()) {
        if (self->now() >= give_up_at)
          throw Error("another process holds " + (self->directory_ / "state.lock").string());
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

  AcquireResult acquire_in(LocalState& state, const std::string& name, Duration ttl, bool& changed) {
    AcquireResult result;
    result.current = state.record;
    if (const auto remaining = pause_remaining(state); remaining > Milliseconds{0}) {
      result.pause = Pause{now() + remaining, state.pause->reason, state.pause->request};
      return result;
    }
    const BootTime since = now();
    const std::string owner = new_owner_id(random_);
    if (!leases_.try_take(name, directory_ / (name + ".lock"), owner, ttl)) {
      result.busy_until = leases_.expires_at(name).value_or(since + ttl);
      return result;
    }
    JETON_FAILPOINT("local.acquire.locked");
    state.fence = next_fence(state, name);
    changed = true;
    result.lease = Lease{owner, state.fence, ttl, lease_valid_until(since, ttl)};
    return result;
  }

  bool renew(const std::string& name, Lease& lease) {
    const BootTime since = now();
    if (!leases_.renew(name, lease.owner, lease.ttl)) return false;
    lease.valid_until = lease_valid_until(since, lease.ttl);
    return true;
  }

  Milliseconds pause_remaining(const LocalState& state) const {
    return state.pause ? state.pause->remaining(wall_now()) : Milliseconds{0};
  }

  [[nodiscard]] FetchUsage usage_of(const LocalState& state, Duration window) const {
    FetchUsage usage;
    usage.calls = state.fetches.calls;
    usage.paused = pause_remaining(state) > Milliseconds{0};
    if (state.fetches.began_at)
      usage.window_end = boot_time_of(*state.fetches.began_at + to_ms(window), timers_.clock());
    return usage;
  }

  // Calls the listener on the next turn of the loop, if it is still the same one.
  void tell(const std::string& name, std::function<void(FleetListener&)> what) {
    const auto found = listeners_.find(name);
    if (found == listeners_.end()) return;
    boost::asio::post(timers_.executor(), [weak = weak_from_this(), name, listener = found->second, what] {
      const auto self = weak.lock();
      if (!self) return;
      const auto current = self->listeners_.find(name);
      if (current != self->listeners_.end() && current->second == listener) what(*listener);
    });
  }

  void check_usable(const std::string& name) const {
    if (stopped_) throw Error("the local coordinator is stopped");
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
      throw Error("'" + name + "' cannot be the name of a file");
    }
    make_private_directory(directory_);
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] WallTime wall_now() const { return timers_.clock().wall_now(); }

  Timers& timers_;
  Random& random_;
  std::filesystem::path directory_;
  std::string last_error_;
  LocalLeases leases_;
  std::map<std::string, FleetListener*> listeners_;
  bool stopped_ = false;

  // A token stands in the file in the clear: not longer than it can be of use, also while nobody else looks at the
  // file.
  static Task<> forget(std::shared_ptr<Impl> self, std::string name) {
    try {
      co_await with_state(self, name, [](LocalState&) { return false; });
    } catch (const TransportError&) {
      // Said by health(); the next access tries again.
    }
  }

  void forget_soon(const std::string& name) {
    if (!forget_timers_.contains(name)) forget_at(name, now());
  }

 private:
  // Not what the caller came for: a full disk does not fail it, and the next one tries again.
  static void tidy(const std::filesystem::path& file, const LocalState& state) {
    try {
      save_local_state(file, state);
    } catch (const Error& e) {
      log::debug("the state of the local coordinator cannot be tidied", {{"file", file.string()}, {"error", e.what()}});
    }
  }

  // True if something was left out. The generation of what is forgotten stays below every later one.
  bool forget_what_ended(LocalState& state) const {
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

  void forget_later(const std::string& name, const LocalState& state) {
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

  void forget_at(const std::string& name, BootTime when) {
    forget_timers_[name] = timers_.schedule(when, [weak = weak_from_this(), name] {
      const auto self = weak.lock();
      if (!self) return;
      self->forget_timers_.erase(name);
      start_task(self->timers_.executor(), forget(self, name));
    });
  }

  // Above every fence that was given before. What this object gave out is remembered apart from the file, which may be
  // lost; else the time takes its place, and it has a grain of a millisecond.
  std::uint64_t next_fence(const LocalState& state, const std::string& name) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(wall_now().time_since_epoch()).count();
    std::uint64_t& last = last_fence_[name];
    const std::uint64_t stored = std::max(state.fence, state.record ? state.record->generation : 0);
    last = std::max({last + 1, stored + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(1, micros))});
    return last;
  }

  std::map<std::string, std::uint64_t> last_fence_;
  std::map<std::string, Timers::Id> forget_timers_;
  Event stop_event_;
};

LocalCoordinator::LocalCoordinator(Timers& timers, Random& random, std::filesystem::path directory)
    : impl_(std::make_shared<Impl>(timers, random, std::move(directory))) {}

LocalCoordinator::~LocalCoordinator() { impl_->stop(); }

Task<AcquireResult> LocalCoordinator::try_acquire(const std::string& name, Duration ttl) {
  const auto impl = impl_;
  AcquireResult result;
  const auto step = [&](LocalState& state) {
    bool changed = false;
    result = impl->acquire_in(state, name, ttl, changed);
    return changed;
  };
  try {
    co_await Impl::with_state(impl, name, step);
  } catch (const TransportError&) {
    // A lease whose fence is not on record must not be used.
    if (result.lease) impl->leases_.release(name, result.lease->owner);
    throw;
  }
  JETON_FAILPOINT("local.acquire.stored");
  co_return result;
}

Task<bool> LocalCoordinator::renew(const std::string& name, Lease& lease) {
  if (impl_->stopped_) throw TransportError("the local coordinator is stopped");
  co_return impl_->renew(name, lease);
}

Task<> LocalCoordinator::release(const std::string& name, const Lease& lease) {
  if (impl_->stopped_) throw TransportError("the local coordinator is stopped");
  impl_->leases_.release(name, lease.owner);
  co_return;
}

Task<Admission> LocalCoordinator::admit(const std::string& name, const Lease& lease, const FetchLimits& limits) {
  const auto impl = impl_;
  Admission admission;
  FetchUsage usage;
  const auto step = [&](LocalState& state) {
    admission.retry_at = impl->now();
    if (!impl->leases_.owns(name, lease.owner)) {
      admission.refusal = FetchRefusal::lock_lost;
      return false;
    }
    const FetchWindow::Decision decision = state.fetches.admit(impl->wall_now(), limits);
    admission.refusal = decision.refusal;
    admission.retry_at = impl->now() + decision.wait;
    admission.calls_used = state.fetches.calls;
    usage = impl->usage_of(state, limits.budget_window);
    admission.window_end = usage.window_end.value_or(admission.retry_at);
    return decision.admitted();
  };
  co_await Impl::with_state(impl, name, step);
  if (limits.budget > 0) impl->tell(name, [usage](FleetListener& listener) { listener.on_usage(usage); });
  co_return admission;
}

Task<PublishResult> LocalCoordinator::publish(const std::string& name, const Record& record, const Lease& lease) {
  const auto impl = impl_;
  PublishResult result;
  const auto step = [&](LocalState& state) {
    result.stored = !state.record || record.generation > state.record->generation;
    if (result.stored) {
      state.record = record;
      // The refresh loop keeps it sealed on the disk; here it would stand in the clear.
      state.record->state = {};
    } else if (record.generation == state.record->generation && record.value == state.record->value) {
      result.stored = true;  // by an earlier attempt that failed after it was written
      result.current = state.record;
      return false;
    } else {
      result.current = state.record;
    }
    return result.stored;
  };
  JETON_FAILPOINT("local.publish.writing");
  co_await Impl::with_state(impl, name, step);
  JETON_FAILPOINT("local.publish.written");
  impl->leases_.release(name, lease.owner);
  if (result.stored) impl->tell(name, [record](FleetListener& listener) { listener.on_record(record); });
  co_return result;
}

Task<std::optional<Record>> LocalCoordinator::load(const std::string& name) {
  std::optional<Record> record;
  const auto step = [&](LocalState& state) {
    record = state.record;
    return false;
  };
  co_await Impl::with_state(impl_, name, step);
  co_return record;
}

Task<> LocalCoordinator::pause(const std::string& name, Pause pause) {
  const auto impl = impl_;
  bool longer = false;
  const auto step = [&](LocalState& state) {
    const Milliseconds wanted = to_ms(pause.until - impl->now());
    longer = wanted > impl->pause_remaining(state);
    if (longer)
      state.pause = LocalState::StoredPause{impl->wall_now(), impl->wall_now() + wanted, pause.reason, pause.request};
    return longer;
  };
  co_await Impl::with_state(impl, name, step);
  if (longer) impl->tell(name, [pause](FleetListener& listener) { listener.on_pause(pause); });
}

Task<> LocalCoordinator::resume(const std::string& name) {
  const auto impl = impl_;
  const auto step = [](LocalState& state) { return std::exchange(state.pause, std::nullopt).has_value(); };
  co_await Impl::with_state(impl, name, step);
  impl->tell(name, [](FleetListener& listener) { listener.on_resume(); });
}

Task<FetchUsage> LocalCoordinator::usage(const std::string& name) {
  FetchUsage usage;
  const auto step = [&](LocalState& state) {
    usage.calls = state.fetches.calls;
    usage.paused = impl_->pause_remaining(state) > Milliseconds{0};
    return false;
  };
  co_await Impl::with_state(impl_, name, step);
  co_return usage;
}

// State files hold tokens: one that is configured no more is nobody's to keep, and of the others what has ended since
// the last run.
Task<> LocalCoordinator::restore_usage(const std::string& /*name*/, FetchUsage /*usage*/, Duration /*window*/) {
  co_return;
}

Task<> LocalCoordinator::announce_rejection(const std::string& /*name*/, Generation /*generation*/) { co_return; }

void LocalCoordinator::prune_except(const std::set<std::string>& names) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(impl_->directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    for (const std::string_view ending : {".json", ".json.new"}) {
      if (!file.ends_with(ending) || names.contains(file.substr(0, file.size() - ending.size()))) continue;
      std::error_code ignored;
      std::filesystem::remove(entry->path(), ignored);
      log::info("removed what was kept of a token that is not configured", {{"file", entry->path().string()}});
      break;
    }
  }
  for (const std::string& name : names) {
    if (std::filesystem::exists(impl_->directory_ / (name + ".json"), error)) impl_->forget_soon(name);
  }
}

void LocalCoordinator::subscribe(const std::string& name, FleetListener* listener) {
  if (listener == nullptr) {
    impl_->listeners_.erase(name);
    return;
  }
  impl_->listeners_[name] = listener;
  impl_->tell(name, [](FleetListener& l) { l.on_gap(); });
}

BackendHealth LocalCoordinator::health() const {
  BackendHealth health;
  health.backend = "local";
  health.endpoint = impl_->directory_.string();
  health.reachable = !impl_->stopped_ && impl_->last_error_.empty();
  health.last_error = impl_->last_error_;
  return health;
}

// Times are this host's own: nothing to measure. But what was loaded may have to be judged anew.
void LocalCoordinator::clock_stepped() {
  for (const auto& [name, listener] : impl_->listeners_) {
    impl_->tell(name, [](FleetListener& l) { l.on_gap(); });
  }
}

void LocalCoordinator::start() {}
void LocalCoordinator::stop() { impl_->stop(); }

}  // namespace jeton::agent
