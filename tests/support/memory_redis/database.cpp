#include "tests/support/memory_redis/database.hpp"

#include <algorithm>

namespace jeton::test::memory_redis {

// As in Redis, a key still exists in the millisecond of its expiry.
bool Database::is_expired(const Entry& entry, std::int64_t now_ms) {
  return entry.expires_at_ms && now_ms > *entry.expires_at_ms;
}

Entry* Database::find(const std::string& key, std::int64_t now_ms) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (!is_expired(found->second, now_ms)) return &found->second;
  entries_.erase(found);
  changed_(key);
  return nullptr;
}

void Database::put(const std::string& key, Entry entry) {
  entries_.insert_or_assign(key, std::move(entry));
  changed_(key);
}

bool Database::erase(const std::string& key, std::int64_t now_ms) {
  if (find(key, now_ms) == nullptr) return false;
  entries_.erase(key);
  changed_(key);
  return true;
}

void Database::expire(std::int64_t now_ms) {
  std::vector<std::string> gone;
  for (const auto& [key, entry] : entries_) {
    if (is_expired(entry, now_ms)) gone.push_back(key);
  }
  for (const std::string& key : gone) static_cast<void>(find(key, now_ms));
}

std::optional<std::int64_t> Database::next_expiry_ms() const {
  std::optional<std::int64_t> next;
  for (const auto& [key, entry] : entries_) {
    if (entry.expires_at_ms) next = std::min(next.value_or(*entry.expires_at_ms), *entry.expires_at_ms);
  }
  return next;
}

std::vector<std::string> Database::keys(std::int64_t now_ms) const {
  std::vector<std::string> names;
  for (const auto& [key, entry] : entries_) {
    if (!is_expired(entry, now_ms)) names.push_back(key);
  }
  return names;
}

std::map<std::string, std::optional<std::chrono::milliseconds>> Database::times_to_live(std::int64_t now_ms) const {
  std::map<std::string, std::optional<std::chrono::milliseconds>> times;
  for (const auto& [key, entry] : entries_) {
    if (is_expired(entry, now_ms)) continue;
    std::optional<std::chrono::milliseconds>& left = times[key];
    if (entry.expires_at_ms) left = std::chrono::milliseconds(*entry.expires_at_ms - now_ms);
  }
  return times;
}

}  // namespace jeton::test::memory_redis
