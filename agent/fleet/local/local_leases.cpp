#include "agent/fleet/local/local_leases.hpp"

#include <utility>

namespace jeton::agent {

bool LocalLeases::try_take(const std::string& name, const std::filesystem::path& file, const std::string& owner,
                           Duration ttl) {
  drop_expired(name);
  auto lock = std::make_unique<HostLock>(file);
  if (!lock->try_lock()) return false;
  // An entry under this name is a lock whose file was removed: it excludes no process.
  if (const auto stale = held_.find(name); stale != held_.end()) let_go(stale);
  Held& held = held_[name];
  held.owner = owner;
  held.lock = std::move(lock);
  arm(name, held, ttl);
  return true;
}

bool LocalLeases::renew(const std::string& name, const std::string& owner, Duration ttl) {
  drop_expired(name);
  const auto held = held_.find(name);
  if (held == held_.end() || held->second.owner != owner) return false;
  if (!held->second.lock->intact()) {
    let_go(held);
    return false;
  }
  timers_.cancel(held->second.timer);
  arm(name, held->second, ttl);
  return true;
}

void LocalLeases::release(const std::string& name, const std::string& owner) {
  const auto held = held_.find(name);
  if (held != held_.end() && held->second.owner == owner) let_go(held);
}

void LocalLeases::release_all() {
  while (!held_.empty()) let_go(held_.begin());
}

bool LocalLeases::owns(const std::string& name, const std::string& owner) const {
  const auto held = held_.find(name);
  return held != held_.end() && held->second.owner == owner && now() < held->second.expires_at;
}

std::optional<BootTime> LocalLeases::expires_at(const std::string& name) const {
  const auto held = held_.find(name);
  if (held == held_.end()) return std::nullopt;
  return held->second.expires_at;
}

void LocalLeases::arm(const std::string& name, Held& held, Duration ttl) {
  held.expires_at = now() + ttl;
  held.timer = timers_.schedule(held.expires_at, [this, name, owner = held.owner] { release(name, owner); });
}

// The timer that frees an expired lease may be late, after a suspend for example.
void LocalLeases::drop_expired(const std::string& name) {
  const auto held = held_.find(name);
  if (held != held_.end() && now() >= held->second.expires_at) let_go(held);
}

void LocalLeases::let_go(std::map<std::string, Held>::iterator held) {
  timers_.cancel(held->second.timer);
  held_.erase(held);
}

}  // namespace jeton::agent
