// The part of a MemoryServer that is about its clock, the expiry of keys, and the clients that are told of keys.
#include <algorithm>

#include "tests/support/memory_redis/memory_server.hpp"

namespace jeton::test {
namespace {

constexpr const char* invalidations = "__redis__:invalidate";
constexpr std::int64_t million = 1'000'000;

}  // namespace

memory_redis::Database& MemoryServer::database(int number) {
  const auto found = databases_.find(number);
  if (found != databases_.end()) return found->second;
  return databases_.emplace(number, memory_redis::Database([this](const std::string& key) { key_changed(key); }))
      .first->second;
}

std::int64_t MemoryServer::publish(const std::string& channel, const std::string& message) {
  const auto subscribers = subscribers_of(channel);
  for (const auto& session : subscribers) {
    deliver(session, Reply::array({Reply::bulk("message"), Reply::bulk(channel), Reply::bulk(message)}));
  }
  return static_cast<std::int64_t>(subscribers.size());
}

std::vector<std::shared_ptr<memory_redis::Session>> MemoryServer::subscribers_of(const std::string& channel) const {
  std::vector<std::shared_ptr<Session>> subscribers;
  for (const auto& [id, session] : sessions_) {
    if (session->channels.contains(channel)) subscribers.push_back(session);
  }
  return subscribers;
}

void MemoryServer::deliver(const std::shared_ptr<Session>& session, const Reply& message) {
  if (message_disorder_ == agent::Duration{0}) {
    session->reply(message);
    return;
  }
  const int times = random_.uniform() < 0.5 ? 1 : 2;
  for (int i = 0; i < times; ++i) {
    const auto later = std::chrono::duration_cast<agent::Duration>(message_disorder_ * random_.uniform());
    timers_.schedule(timers_.clock().boot_now() + later, [weak = std::weak_ptr(session), message] {
      const auto subscriber = weak.lock();
      if (subscriber && subscriber->open) subscriber->reply(message);
    });
  }
}

void MemoryServer::key_changed(const std::string& key) {
  keys_changed_ = true;
  if (observer_) observer_(key);
  for (const auto& [id, session] : sessions_) {
    if (!session->tracking) continue;
    const auto& prefixes = session->tracking->prefixes;
    const bool watched =
        std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return key.starts_with(prefix); });
    if (!watched && !prefixes.empty()) continue;
    session->tracking->changed.insert(key);
    untold_.insert(id);
  }
}

// A session hears of its keys by another one.
void MemoryServer::invalidate(const Session& tracker, const Reply& keys) {
  const auto target = sessions_.find(tracker.tracking->redirect);
  if (target == sessions_.end() || !target->second->subscribed()) return;
  const auto session = target->second;  // a message may end its connection
  session->reply(Reply::array({Reply::bulk("message"), Reply::bulk(invalidations), keys}));
}

// After the command, as Redis does: messages that a script sent come before.
void MemoryServer::tell_changes() {
  for (const std::uint64_t id : std::exchange(untold_, {})) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second->tracking) continue;
    const auto session = found->second;
    std::vector<Reply> keys;
    for (const std::string& key : std::exchange(session->tracking->changed, {})) keys.push_back(Reply::bulk(key));
    invalidate(*session, Reply::array(std::move(keys)));
  }
}

void MemoryServer::flush(std::optional<int> number) {
  for (auto& [each, database] : databases_) {
    if (number.value_or(each) == each) database.clear();
  }
  keys_changed_ = true;
  const auto sessions = sessions_;  // a message may end its connection
  for (const auto& [id, session] : sessions) {
    if (session->tracking) invalidate(*session, Reply::nil());
  }
}

void MemoryServer::expire() {
  cancel_expiry();
  if (!serves()) return;
  for (auto& [number, database] : databases_) database.expire(now_us() / 1000);
  tell_changes();
  arm_expiry();
}

// Walks all keys.
void MemoryServer::find_next_expiry() {
  next_expiry_ms_.reset();
  for (const auto& [number, database] : databases_) {
    const auto next = database.next_expiry_ms();
    if (next) next_expiry_ms_ = std::min(next_expiry_ms_.value_or(*next), *next);
  }
}

void MemoryServer::cancel_expiry() {
  if (expiry_) timers_.cancel(*std::exchange(expiry_, std::nullopt));
}

// At the first millisecond in which a key is not there any more. Most commands change no key.
void MemoryServer::arm_expiry() {
  if (expiry_ && !keys_changed_ && serves()) return;
  cancel_expiry();
  if (std::exchange(keys_changed_, false)) find_next_expiry();
  if (!next_expiry_ms_ || !serves()) return;
  const std::chrono::microseconds by_its_clock{(*next_expiry_ms_ + 1) * 1000 - now_us()};
  const std::int64_t own_million = million + clock_rate_;
  const auto gained = by_its_clock / own_million * clock_rate_ + by_its_clock % own_million * clock_rate_ / own_million;
  const std::chrono::microseconds left = by_its_clock - gained;
  expiry_ = timers_.schedule(timers_.clock().boot_now() + left, [this] { expire(); });
}

void MemoryServer::set_idle_timeout(std::chrono::seconds timeout) {
  idle_timeout_ = timeout;
  if (idle_look_) timers_.cancel(*std::exchange(idle_look_, std::nullopt));
  if (timeout > std::chrono::seconds{0}) end_idle();
}

// Every second, as Redis looks at its clients.
void MemoryServer::end_idle() {
  const agent::BootTime now = timers_.clock().boot_now();
  disconnect(
      [&](const Session& session) { return !session.subscribed() && now - session.last_request > idle_timeout_; });
  idle_look_ = timers_.schedule(now + std::chrono::seconds(1), [this] { end_idle(); });
}

std::string MemoryServer::field(const std::string& key, const std::string& name) const {
  const auto found = databases_.find(0);
  if (found == databases_.end()) return "";
  const auto* hash = found->second.look<memory_redis::Hash>(key, now_us() / 1000);
  if (hash == nullptr || !hash->contains(name)) return "";
  return hash->at(name);
}

std::string MemoryServer::text(const std::string& key) const {
  const auto found = databases_.find(0);
  if (found == databases_.end()) return "";
  const auto* string = found->second.look<std::string>(key, now_us() / 1000);
  return string == nullptr ? "" : *string;
}

std::map<std::string, std::optional<std::chrono::milliseconds>> MemoryServer::keys() const {
  const auto found = databases_.find(0);
  if (found == databases_.end()) return {};
  return found->second.times_to_live(now_us() / 1000);
}

void MemoryServer::set_clock_error(std::chrono::microseconds error) {
  clock_error_ = error;
  rate_set_at_ = timers_.clock().boot_now();
  cancel_expiry();
  arm_expiry();
}

void MemoryServer::set_clock_rate(std::int64_t millionths) {
  set_clock_error(clock_error());
  clock_rate_ = millionths;
  cancel_expiry();
  arm_expiry();
}

std::chrono::microseconds MemoryServer::clock_error() const {
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(timers_.clock().boot_now() - rate_set_at_);
  return clock_error_ + passed * clock_rate_ / million;
}

std::int64_t MemoryServer::now_us() const {
  return epoch_us_ + timers_.clock().boot_now().time_since_epoch().count() / 1000 + clock_error().count();
}

}  // namespace jeton::test
