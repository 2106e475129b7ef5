#include "tests/sim/model.hpp"

#include <algorithm>

namespace jeton::sim {
namespace {

constexpr Duration redis_timeout = std::chrono::milliseconds(500);

}  // namespace

Task<> ModelRedis::reach() {
  ++commands;
  if (!up) {
    co_await sleep_for(timers_, redis_timeout);
    throw TransportError("model redis is down");
  }
  co_await sleep_for(timers_, latency());
  if (!up) throw TransportError("model redis went down");
}

void ModelRedis::tell(const std::function<void(CoordinationListener&)>& message) {
  for (const auto& [id, listener] : listeners) {
    timers_.schedule(timers_.clock().boot_now() + latency(), [this, agent = id, message] {
      const auto found = listeners.find(agent);
      if (up && found != listeners.end()) message(*found->second);
    });
  }
}

void ModelRedis::reconnect_all() {
  up = true;
  for (const auto& [id, listener] : listeners) {
    timers_.schedule(timers_.clock().boot_now() + std::chrono::milliseconds(static_cast<int>(2000 * random_.uniform())),
                     [this, agent = id] {
                       const auto found = listeners.find(agent);
                       if (up && found != listeners.end()) found->second->on_gap();
                     });
  }
}

bool ModelCoordinator::owns(const Lease& lease) const {
  return redis_.lock && redis_.lock->owner == lease.owner && redis_.lock->until > timers_.clock().boot_now();
}

Task<AcquireResult> ModelCoordinator::try_acquire(const std::string&, Duration ttl) {
  const BootTime asked = timers_.clock().boot_now();
  co_await redis_.reach();
  const BootTime now = timers_.clock().boot_now();
  AcquireResult result;
  result.current = redis_.record;
  if (redis_.pause_until > now) {
    result.pause = Pause{redis_.pause_until, "model pause"};
    co_return result;
  }
  if (redis_.lock && redis_.lock->until > now) {
    result.busy_until = redis_.lock->until;
    co_return result;
  }
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(timers_.clock().wall_now().time_since_epoch()).count();
  redis_.last_fence = std::max(
      {redis_.last_fence + 1, static_cast<std::uint64_t>(micros), (redis_.record ? redis_.record->generation : 0) + 1});
  redis_.lock = ModelRedis::Lock{random_.hex(16), now + ttl};
  result.lease = Lease{redis_.lock->owner, redis_.last_fence, ttl, asked + ttl - ttl / 100};
  for (const auto& [id, listener] : redis_.listeners) {
    if (id == id_) continue;
    timers_.schedule(now + redis_.latency(), [&redis = redis_, agent = id, until = now + ttl] {
      const auto found = redis.listeners.find(agent);
      if (redis.up && found != redis.listeners.end()) found->second->on_claim(until);
    });
  }
  co_return result;
}

Task<bool> ModelCoordinator::renew(const std::string&, Lease& lease) {
  const BootTime asked = timers_.clock().boot_now();
  co_await redis_.reach();
  if (!owns(lease)) co_return false;
  redis_.lock->until = timers_.clock().boot_now() + lease.ttl;
  lease.valid_until = asked + lease.ttl - lease.ttl / 100;
  co_return true;
}

Task<> ModelCoordinator::release(const std::string&, const Lease& lease) {
  co_await redis_.reach();
  if (!owns(lease)) co_return;
  redis_.lock.reset();
  redis_.tell([](CoordinationListener& l) { l.on_release(); });
}

Task<Admission> ModelCoordinator::admit(const std::string&, const Lease&, const FetchLimits& limits) {
  co_await redis_.reach();
  const BootTime now = timers_.clock().boot_now();
  if (redis_.last_call != BootTime{} && now < redis_.last_call + limits.min_interval) {
    co_return Admission{false, redis_.last_call + limits.min_interval, "min_interval", 0};
  }
  redis_.last_call = now;
  co_return Admission{true, {}, {}, 1};
}

Task<PublishResult> ModelCoordinator::publish(const std::string&, const Record& record, const Lease& lease) {
  co_await redis_.reach();
  if (redis_.record && redis_.record->generation >= record.generation) {
    co_return PublishResult{false, redis_.record};
  }
  redis_.record = record;
  if (owns(lease)) redis_.lock.reset();
  redis_.tell([record](CoordinationListener& l) { l.on_record(record); });
  co_return PublishResult{true, std::nullopt};
}

Task<std::optional<Record>> ModelCoordinator::load(const std::string&) {
  co_await redis_.reach();
  co_return redis_.record;
}

Task<> ModelCoordinator::pause(const std::string&, Pause pause) {
  co_await redis_.reach();
  redis_.pause_until = std::max(redis_.pause_until, pause.until);
  redis_.tell([pause](CoordinationListener& l) { l.on_pause(pause); });
}

void ModelCoordinator::subscribe(const std::string&, CoordinationListener* listener) {
  if (listener == nullptr) {
    redis_.listeners.erase(id_);
  } else {
    redis_.listeners[id_] = listener;
  }
}

Task<FetchedToken> ModelProvider::call() {
  ++calls;
  const WallTime issued_at = timers_.clock().wall_now();
  co_await sleep_for(timers_, answer_time);
  if (mood == Mood::broken) throw SourceError(SourceError::Kind::transient, "500");
  if (mood == Mood::refusing) throw SourceError(SourceError::Kind::permanent, "401 invalid_client");
  ++issued;
  co_return FetchedToken{
      SecretString("token-" + std::to_string(issued)), "Bearer", {}, issued_at, issued_at + lifetime};
}

void ModelStore::publish(const Record& next, WallTime now) {
  if (record && next.generation < record->generation) ++went_back;
  if (!record || next.generation > record->generation) refused = false;
  record = next;
  expired = now >= next.expires_at;
}

struct Fleet::Running {
  Running(Fleet& fleet, int id)
      : coordinator(id, fleet.redis, fleet.timers, fleet.random),
        source(fleet.provider),
        changed(fleet.timers),
        loop(fleet.config, std::chrono::seconds(15),
             {fleet.timers, fleet.random, coordinator, source, *fleet.stores[static_cast<std::size_t>(id)], changed,
              "host-" + std::to_string(id)}) {}

  ModelCoordinator coordinator;
  ModelSource source;
  Event changed;
  RefreshLoop loop;
  boost::asio::cancellation_signal cancel;
  bool ended = false;
};

Fleet::Fleet(std::uint64_t seed, int agents) : random(seed), running_(static_cast<std::size_t>(agents)) {
  config.name = "model";
  for (int i = 0; i < agents; ++i) stores.push_back(std::make_unique<ModelStore>());
}

Fleet::~Fleet() {
  for (std::size_t i = 0; i < running_.size(); ++i) stop(static_cast<int>(i));
}

void Fleet::start(int agent) {
  auto made = std::make_shared<Running>(*this, agent);
  running_[static_cast<std::size_t>(agent)] = made;
  boost::asio::co_spawn(
      timers.loop(), made->loop.run(),
      boost::asio::bind_cancellation_slot(made->cancel.slot(), [made](std::exception_ptr) { made->ended = true; }));
}

void Fleet::start_all() {
  for (std::size_t i = 0; i < running_.size(); ++i) start(static_cast<int>(i));
}

void Fleet::stop(int agent) {
  const auto slot = std::exchange(running_[static_cast<std::size_t>(agent)], nullptr);
  if (!slot) return;
  slot->cancel.emit(boost::asio::cancellation_type::terminal);
  timers.run_until(timers.clock().boot_now() + std::chrono::minutes(1), [&] { return slot->ended; });
  attempts_of_ended_ += slot->loop.status().lock_attempts;
  ended_.push_back(slot);
}

// A crash is modelled as cancellation with the network cut: what the agent still tries to say reaches nobody.
void Fleet::crash(int agent) {
  const auto lock = redis.lock;
  const auto slot = std::exchange(running_[static_cast<std::size_t>(agent)], nullptr);
  if (!slot) return;
  redis.listeners.erase(agent);
  const bool was_up = std::exchange(redis.up, false);
  slot->cancel.emit(boost::asio::cancellation_type::terminal);
  timers.run_until(timers.clock().boot_now() + std::chrono::milliseconds(600), [&] { return slot->ended; });
  redis.up = was_up;
  redis.lock = lock;
  attempts_of_ended_ += slot->loop.status().lock_attempts;
  ended_.push_back(slot);
}

void Fleet::step_clocks(Milliseconds offset) {
  timers.virtual_clock().wall_offset = offset;
  for (const auto& r : running_) {
    if (r) r->loop.clock_stepped();
  }
}

std::uint64_t Fleet::publications_refused() const {
  std::uint64_t sum = 0;
  for (const auto& r : running_) {
    if (r) sum += r->loop.status().publications_refused;
  }
  return sum;
}

double Fleet::attempts_per_rotation(int rotations) {
  provider.lifetime = std::chrono::minutes(60);
  start_all();
  timers.run_for(std::chrono::minutes(1));
  const auto attempts = lock_attempts();
  const auto calls = provider.calls;
  timers.run_until(timers.clock().boot_now() + std::chrono::hours(2) * rotations,
                   [&] { return provider.calls >= calls + static_cast<std::uint64_t>(rotations); });
  timers.run_for(std::chrono::minutes(1));
  return static_cast<double>(lock_attempts() - attempts) / static_cast<double>(provider.calls - calls);
}

std::uint64_t Fleet::lock_attempts() const {
  std::uint64_t sum = attempts_of_ended_;
  for (const auto& r : running_) {
    if (r) sum += r->loop.status().lock_attempts;
  }
  return sum;
}

bool Fleet::all_hold(Generation generation) const {
  return std::all_of(stores.begin(), stores.end(),
                     [&](const auto& s) { return s->record && s->record->generation == generation; });
}

bool Fleet::all_valid() const {
  const WallTime now = timers.clock().wall_now();
  return std::all_of(stores.begin(), stores.end(),
                     [&](const auto& s) { return s->record && s->record->valid_at(now); });
}

std::uint64_t Fleet::went_back() const {
  std::uint64_t sum = 0;
  for (const auto& s : stores) sum += s->went_back;
  return sum;
}

}  // namespace jeton::sim
