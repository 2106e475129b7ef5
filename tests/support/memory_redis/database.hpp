// The keys of one database of a memory Redis: strings, hashes and lists, each with a TTL or none.
//
// Time is that of the server, in milliseconds since the Unix epoch, and given to every call. A key whose time has
// passed is not there, whether or not it was removed yet; clients that watch keys are notified when it is removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace jeton::test::memory_redis {

using Hash = std::map<std::string, std::string>;
using List = std::deque<std::string>;

struct Entry {
  std::variant<std::string, Hash, List> value;
  std::optional<std::int64_t> expires_at_ms;
};

// Becomes an error reply.
class CommandError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Database {
 public:
  using Changed = std::function<void(const std::string& key)>;
  explicit Database(Changed changed) : changed_(std::move(changed)) {}

  // Null if it is not there.
  [[nodiscard]] Entry* find(const std::string& key, std::int64_t now_ms);
  // Null if it is not there, or of another type. Removes nothing.
  template <typename T>
  [[nodiscard]] const T* look(const std::string& key, std::int64_t now_ms) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || is_expired(found->second, now_ms)) return nullptr;
    return std::get_if<T>(&found->second.value);
  }
  // Null if it is not there. Throws WRONGTYPE if it is of another type.
  template <typename T>
  [[nodiscard]] T* find_as(const std::string& key, std::int64_t now_ms) {
    Entry* entry = find(key, now_ms);
    if (entry == nullptr) return nullptr;
    T* value = std::get_if<T>(&entry->value);
    if (value == nullptr) throw CommandError("WRONGTYPE Operation against a key holding the wrong kind of value");
    return value;
  }
  // As above, but creates the entry if it is not there.
  template <typename T>
  [[nodiscard]] T& get_or_make(const std::string& key, std::int64_t now_ms) {
    if (T* value = find_as<T>(key, now_ms)) return *value;
    return std::get<T>(entries_.insert_or_assign(key, Entry{T{}, {}}).first->second.value);
  }
  void put(const std::string& key, Entry entry);
  bool erase(const std::string& key, std::int64_t now_ms);
  // Reports a change; needed also for a key that was changed through a pointer.
  void changed(const std::string& key) { changed_(key); }

  // Removes what has expired.
  void expire(std::int64_t now_ms);
  [[nodiscard]] std::optional<std::int64_t> next_expiry_ms() const;
  void clear() { entries_.clear(); }
  [[nodiscard]] std::vector<std::string> keys(std::int64_t now_ms) const;
  // The TTL of each key; none: the key does not expire.
  [[nodiscard]] std::map<std::string, std::optional<std::chrono::milliseconds>> times_to_live(
      std::int64_t now_ms) const;

 private:
  static bool is_expired(const Entry& entry, std::int64_t now_ms);

  std::map<std::string, Entry> entries_;
  Changed changed_;
};

}  // namespace jeton::test::memory_redis
