#include "tests/sim/ownerless_locks.hpp"

#include <algorithm>
#include <iterator>

namespace jeton::sim {
namespace {

// The key is there in the very millisecond in which it ends, and the server counts whole ones.
constexpr Duration rounding = std::chrono::milliseconds(5);
constexpr const char* lock_of_users = "jeton:lock:{job}";

bool is_lock(const std::string& key) { return key == lock_of_users || key.ends_with(":updater"); }

}  // namespace

void OwnerlessLocks::key_changed(std::size_t server, const std::string& key) {
  if (!is_lock(key)) return;
  const std::string owner = world_.fleet.server(server).text(key);
  const std::string& client = world_.fleet.server(server).client();
  const auto known = held_.find({server, key});
  if (owner.empty()) {
    if (known != held_.end()) held_.erase(known);
  } else if (!client.empty() && (known == held_.end() || known->second.owner != owner)) {
    held_[{server, key}] = {owner, client, world_.now(), test::VirtualFleet::run_at(client)};
  } else if (known != held_.end() && client == known->second.client) {
    known->second.asked_at = world_.now();
    known->second.ends_by.reset();
  }
}

void OwnerlessLocks::each_turn() {
  for (auto held = held_.begin(); held != held_.end();) {
    const bool stays = look(held->first, held->second);
    held = stays ? std::next(held) : held_.erase(held);
  }
}

// systemd/README.md, "updater killed during a fetch": "its lock expires within `lock.ttl`". libclient/README.md: "`ttl`
// is how long the lock lasts after its host fails". A server that was frozen then takes or renews it later, as the last
// request of its owner says. On a server whose clock is set back it lasts longer, and a little longer on one whose
// clock is slow.
bool OwnerlessLocks::look(const Key& key, Held& held) {
  const auto& [server, name] = key;
  if (!held.ends_by) {
    const auto dead = held.run ? world_.fleet.dead_agent_of(*held.run) : std::nullopt;
    if (!dead || !world_.crashed_at[*dead]) return true;
    const Duration ttl = name == lock_of_users ? world_.plan.lock_user_ttl : world_.plan.lock_ttl;
    const Duration by_drift = world_.plan.has(FaultKind::server_drift) ? ttl / 100 : Duration{0};
    held.ends_by = std::max(*world_.crashed_at[*dead], held.asked_at) + ttl + by_drift + rounding;
    static_cast<void>(world_.fleet.loop.timers.schedule(*held.ends_by, [] {}));  // the loop turns then
  }
  if (world_.now() < *held.ends_by) return true;
  if (world_.fleet.server(server).text(name) == held.owner && !world_.plan.has(FaultKind::server_clock)) {
    world_.fail(Invariant::lock_ends, server_name(server) + " still has " + name + " of " + held.client + ", " +
                                          seconds_text(world_.now() - *held.ends_by + rounding) +
                                          " longer than its time to live after its agent had crashed");
  }
  return false;
}

}  // namespace jeton::sim
