#include "agent/locks/lock_policy.hpp"

#include <algorithm>

#include "agent/config/model/lock_names.hpp"

namespace jeton::agent {

const LockRuleConfig* rule_for(const LockRules& rules, const std::string& name) {
  const LockRuleConfig* best = nullptr;
  std::size_t most = 0;
  for (const auto& [pattern, rule] : rules) {
    if (!matches_lock_pattern(name, pattern)) continue;
    // The name itself wins over every pattern, also one like "job*" that has as many characters.
    if (pattern == name) return &rule;
    const std::size_t weight = lock_pattern_weight(pattern);
    if (best != nullptr && weight <= most) continue;
    best = &rule;
    most = weight;
  }
  return best;
}

LockId lock_id(const LockRuleConfig& rule, const std::string& name) {
  LockId id{name, rule.terms};
  for (std::size_t at = id.terms.key.find('*'); at != std::string::npos;
       at = id.terms.key.find('*', at + name.size())) {
    id.terms.key.replace(at, 1, name);
  }
  return id;
}

LockLimits limits_within(std::size_t descriptors) {
  LockLimits limits;
  limits.locks = std::min(limits.locks, descriptors / 4);
  limits.locks_per_user = std::min(limits.locks_per_user, limits.locks / 4);
  limits.waiters_per_user = std::min(limits.waiters_per_user, limits.locks_per_user / 2);
  return limits;
}

void LockQuota::check(uid_t user, bool is_admin, std::size_t count, BootTime now) {
  const auto too_many_of_user = [&] { return of_user(user) + count > limits_.locks_per_user; };
  const auto too_many = [&] { return !is_admin && all_ + count > limits_.locks; };
  if (too_many_of_user() || too_many()) forget_ended(now);
  if (too_many_of_user()) {
    throw LockRefusal("user " + std::to_string(user) + " holds or waits for " + std::to_string(limits_.locks_per_user) +
                      " locks already; release some");
  }
  if (too_many()) {
    throw LockRefusal("the agent serves " + std::to_string(limits_.locks) + " locks already; try again later");
  }
}

std::size_t LockQuota::of_user(uid_t user) const {
  const auto found = of_user_.find(user);
  return found == of_user_.end() ? 0 : found->second;
}

void LockQuota::add(uid_t user, std::size_t count) {
  of_user_[user] += count;
  all_ += count;
}

void LockQuota::remove(uid_t user, std::size_t count) {
  const auto found = of_user_.find(user);
  found->second -= count;
  if (found->second == 0) of_user_.erase(found);
  all_ -= count;
}

// The new holder of the name took it after the listed one had lost it.
void LockQuota::leave(uid_t user, const LockId& id, const std::string& owner, BootTime until) {
  const auto former = detached_.find(id.name);
  if (former != detached_.end()) remove(former->second.user, 1);
  detached_[id.name] = {user, id, owner, until};
  add(user, 1);
}

const LockQuota::Detached* LockQuota::detached(const std::string& name) const {
  const auto found = detached_.find(name);
  return found == detached_.end() ? nullptr : &found->second;
}

void LockQuota::extend(const std::string& name, const std::string& owner, const Lease& lease) {
  const auto found = detached_.find(name);
  if (found == detached_.end() || found->second.owner != owner) return;
  found->second.owner = lease.owner;
  found->second.until = lease.valid_until;
}

void LockQuota::release(const std::string& name, const std::string& owner) {
  const auto found = detached_.find(name);
  if (found == detached_.end() || found->second.owner != owner) return;
  remove(found->second.user, 1);
  detached_.erase(found);
}

void LockQuota::forget_ended(BootTime now) {
  for (auto lock = detached_.begin(); lock != detached_.end();) {
    if (lock->second.until > now) {
      ++lock;
      continue;
    }
    remove(lock->second.user, 1);
    lock = detached_.erase(lock);
  }
}

}  // namespace jeton::agent
