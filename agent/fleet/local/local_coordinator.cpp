// The coordinator on files of this host (local_backend.hpp).
#include <boost/asio/post.hpp>
#include <functional>
#include <map>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/local/host_lock.hpp"
#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/local/local_token_files.hpp"

namespace jeton::agent {
namespace {

// Outlives the coordinator until its calls have ended.
class Tokens : public std::enable_shared_from_this<Tokens> {
 public:
  Tokens(Timers& timers, Random& random, std::filesystem::path directory)
      : files(std::make_shared<LocalTokenFiles>(timers, std::move(directory))),
        leases(timers),
        timers_(timers),
        random_(random) {}

  void stop() {
    files->stop();
    leases.release_all();
    listeners.clear();
  }

  [[nodiscard]] Task<> change(std::string name, std::function<bool(LocalState&)> step) {
    return LocalTokenFiles::change(files, std::move(name), std::move(step));
  }

  void check_running() const {
    if (files->stopped()) throw TransportError("the local coordinator is stopped");
  }

  AcquireResult acquire_in(LocalState& state, const std::string& name, Duration ttl) {
    AcquireResult result;
    result.current = state.record;
    if (const auto remaining = pause_remaining(state); remaining > Milliseconds{0}) {
      result.pause = Pause{now() + remaining, state.pause->reason, state.pause->request};
      return result;
    }
    const BootTime since = now();
    const std::string owner = new_owner_id(random_);
    if (!leases.try_take(name, files->directory() / (name + ".lock"), owner, ttl)) {
      result.busy_until = leases.expires_at(name).value_or(since + ttl);
      return result;
    }
    JETON_FAILPOINT("local.acquire.locked");
    state.fence = next_fence(state, name);
    result.lease = Lease{owner, state.fence, ttl, lease_valid_until(since, ttl)};
    return result;
  }

  Milliseconds pause_remaining(const LocalState& state) const {
    return state.pause ? state.pause->remaining(wall_now()) : Milliseconds{0};
  }

  [[nodiscard]] FetchUsage usage_of(const LocalState& state) const {
    FetchUsage usage{state.fetches.calls_at(wall_now()), {}, pause_remaining(state) > Milliseconds{0}};
    if (const auto end = state.fetches.ends_at(); end && usage.calls > 0) usage.window_end = boot_time(*end);
    return usage;
  }

  // Calls the listener on the next turn of the loop, if it is still the same one.
  void notify(const std::string& name, FleetEvent event) {
    const auto found = listeners.find(name);
    if (found == listeners.end()) return;
    const auto pass_on = [weak = weak_from_this(), name, listener = found->second, event = std::move(event)] {
      const auto self = weak.lock();
      if (!self) return;
      const auto current = self->listeners.find(name);
      if (current != self->listeners.end() && current->second == listener) listener->hear(event);
    };
    boost::asio::post(timers_.executor(), pass_on);
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] WallTime wall_now() const { return timers_.clock().wall_now(); }
  [[nodiscard]] BootTime boot_time(WallTime wall) const { return boot_time_of(wall, timers_.clock()); }

  const std::shared_ptr<LocalTokenFiles> files;
  LocalLeases leases;
  std::map<std::string, FleetListener*> listeners;

 private:
  // Returns a fence above every earlier one. This object remembers its own fences besides the file, which may be lost:
  // then the time takes the place of the file, and its resolution is only a millisecond.
  std::uint64_t next_fence(const LocalState& state, const std::string& name) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(wall_now().time_since_epoch()).count();
    std::uint64_t& last = last_fence_[name];
    const std::uint64_t stored = std::max(state.fence, state.record ? state.record->generation : 0);
    last = std::max({last + 1, stored + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(1, micros))});
    return last;
  }

  Timers& timers_;
  Random& random_;
  std::map<std::string, std::uint64_t> last_fence_;
};

class LocalCoordinator final : public Coordinator {
 public:
  LocalCoordinator(Timers& timers, Random& random, std::filesystem::path directory)
      : tokens_(std::make_shared<Tokens>(timers, random, std::move(directory))) {}
  ~LocalCoordinator() override { tokens_->stop(); }

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override {
    const auto tokens = tokens_;
    AcquireResult result;
    const auto step = [&](LocalState& state) {
      result = tokens->acquire_in(state, name, ttl);
      return result.lease.has_value();
    };
    try {
      co_await tokens->change(name, step);
    } catch (const TransportError&) {
      // A lease whose fence is not on record must not be used.
      if (result.lease) tokens->leases.release(name, result.lease->owner);
      throw;
    }
    JETON_FAILPOINT("local.acquire.stored");
    co_return result;
  }

  Task<bool> renew(const std::string& name, Lease& lease) override {
    tokens_->check_running();
    const BootTime since = tokens_->now();
    const bool held = tokens_->leases.renew(name, lease.owner, lease.ttl);
    if (held) lease.valid_until = lease_valid_until(since, lease.ttl);
    co_return held;
  }

  Task<> release(const std::string& name, const Lease& lease) override {
    tokens_->check_running();
    tokens_->leases.release(name, lease.owner);
    co_return;
  }

  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override {
    const auto tokens = tokens_;
    Admission admission;
    FetchUsage usage;
    const auto step = [&](LocalState& state) {
      admission.retry_at = tokens->now();
      if (!tokens->leases.owns(name, lease.owner)) {
        admission.refusal = FetchRefusal::lock_lost;
        return false;
      }
      const FetchWindow::Decision decision = state.fetches.admit(tokens->wall_now(), limits);
      admission.refusal = decision.refusal;
      admission.retry_at = tokens->now() + decision.wait;
      admission.calls_used = state.fetches.calls;
      usage = tokens->usage_of(state);
      if (const auto& began_at = state.fetches.began_at) {
        usage.window_end = tokens->boot_time(*began_at + to_ms(limits.budget_window));
      }
      admission.window_end = usage.window_end.value_or(admission.retry_at);
      return decision.admitted();
    };
    co_await tokens->change(name, step);
    if (limits.budget > 0) tokens->notify(name, usage);
    co_return admission;
  }

  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override {
    const auto tokens = tokens_;
    PublishResult result;
    const auto step = [&](LocalState& state) {
      if (state.record && record.generation <= state.record->generation) {
        result.current = state.record;
        // The same record: stored by an earlier attempt that failed after it was written.
        result.stored = record.generation == state.record->generation && record.value == state.record->value;
        return false;
      }
      result.stored = true;
      state.record = record;
      // The refresh loop keeps it sealed on the disk; here it would be in the clear.
      state.record->state = {};
      return true;
    };
    JETON_FAILPOINT("local.publish.writing");
    co_await tokens->change(name, step);
    JETON_FAILPOINT("local.publish.written");
    tokens->leases.release(name, lease.owner);
    if (result.stored) tokens->notify(name, record);
    co_return result;
  }

  Task<std::optional<Record>> load(const std::string& name) override {
    const auto tokens = tokens_;
    std::optional<Record> record;
    const auto step = [&](LocalState& state) {
      record = state.record;
      return false;
    };
    co_await tokens->change(name, step);
    co_return record;
  }

  Task<> pause(const std::string& name, Pause pause) override {
    const auto tokens = tokens_;
    bool longer = false;
    const auto step = [&](LocalState& state) {
      const Milliseconds wanted = to_ms(pause.until - tokens->now());
      longer = wanted > tokens->pause_remaining(state);
      const WallTime set_at = tokens->wall_now();
      if (longer) state.pause = LocalState::StoredPause{set_at, set_at + wanted, pause.reason, pause.request};
      return longer;
    };
    co_await tokens->change(name, step);
    if (longer) tokens->notify(name, pause);
  }

  Task<> resume(const std::string& name, ResumeReason reason) override {
    const auto tokens = tokens_;
    const auto step = [](LocalState& state) { return std::exchange(state.pause, std::nullopt).has_value(); };
    co_await tokens->change(name, step);
    tokens->notify(name, ResumeEvent{reason});
  }

  Task<FetchUsage> usage(const std::string& name) override {
    const auto tokens = tokens_;
    FetchUsage usage;
    const auto step = [&](LocalState& state) {
      usage = tokens->usage_of(state);
      return false;
    };
    co_await tokens->change(name, step);
    co_return usage;
  }

  // The files of this host lose no count that would have to be made good.
  Task<> restore_usage(const std::string& /*name*/, FetchUsage /*usage*/, const FetchLimits& /*limits*/) override {
    co_return;
  }
  // The loop that reports it is the only one that listens.
  Task<> announce_rejection(const std::string& /*name*/, Generation /*generation*/) override { co_return; }

  void subscribe(const std::string& name, FleetListener* listener) override {
    if (listener == nullptr) {
      tokens_->listeners.erase(name);
      return;
    }
    tokens_->listeners[name] = listener;
    tokens_->notify(name, GapEvent{});
  }
  // Its files may be removed without a word.
  [[nodiscard]] bool reports_losses(const std::string& /*name*/) const override { return false; }

  BackendHealth health() const override {
    const LocalTokenFiles& files = *tokens_->files;
    const std::string& error = files.last_error();
    return {"local", files.directory().string(), !files.stopped() && error.empty(), error, {}};
  }

  Task<Findings> examine() override {
    const BackendHealth known = health();
    Finding finding{Finding::Level::ok, "coordination local", "this host only; files in " + known.endpoint};
    if (!known.last_error.empty()) {
      finding.level = Finding::Level::problem;
      finding.text = known.last_error;
      finding.remedy = "ls -ld " + known.endpoint;
    }
    co_return Findings{std::move(finding)};
  }

  // Times are this host's own: there is no offset to measure. But loaded records must be checked again.
  void clock_stepped() override {
    for (const auto& [name, listener] : tokens_->listeners) tokens_->notify(name, GapEvent{});
  }

  void configure(const std::string& /*name*/, const TokenTerms& /*terms*/) override {}
  void prune_except(const std::set<std::string>& names) override { tokens_->files->prune_except(names); }
  void start() override {}
  void stop() override { tokens_->stop(); }

 private:
  std::shared_ptr<Tokens> tokens_;
};

}  // namespace

std::unique_ptr<Coordinator> make_local_coordinator(Timers& timers, Random& random, std::filesystem::path directory) {
  return std::make_unique<LocalCoordinator>(timers, random, std::move(directory));
}

}  // namespace jeton::agent
