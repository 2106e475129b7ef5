#include "agent/fleet/local/local_lock_file.hpp"

#include <algorithm>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/base/log.hpp"
#include "agent/base/private_file.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {
namespace {

constexpr int version = 1;
constexpr std::size_t largest_file = 64 * 1024;
constexpr std::string_view ending = ".lock";
constexpr std::chrono::hours longest_life{24 * 366};  // no client may ask for more
// A minute of fences at one a microsecond: the file is written that seldom.
constexpr std::uint64_t reserve = 60'000'000;
const std::string fence_file = "fences.json";

std::string this_boot() {
  const auto text = read_private_file("/proc/sys/kernel/random/boot_id", largest_file);
  return text ? std::string(text->reveal().substr(0, 36)) : std::string();
}

// Nothing: it was not written by an agent.
std::optional<Json> parsed(const std::filesystem::path& file) {
  const auto text = read_private_file(file, largest_file);
  if (!text) return std::nullopt;
  Json json = try_parse_json(text->reveal());
  if (!json.is_object() || json.value("v", Json()) != version) return std::nullopt;
  return json;
}

void write(const std::filesystem::path& file, const Json& json) {
  make_private_directory(file.parent_path());  // it may have been removed
  replace_private_file(file, SecretString(json_text(json)), Durability::process);
}

std::optional<LocalLock> lock_in(const Json& json, const std::string& boot_id, BootTime now) {
  if (json.at("boot_id").get<std::string>() != boot_id) return std::nullopt;
  LocalLock lock;
  lock.owner = json.at("owner").get<std::string>();
  lock.fence = whole_number<std::uint64_t>(json.at("fence"));
  lock.expires_at = BootTime(Duration(whole_number<std::int64_t>(json.at("expires_boot_ns"))));
  if (lock.expires_at > now + longest_life) throw Error("a lock that lasts for years");
  lock.note.by = parse_lock_holder(json.at("by").get<std::string>());
  lock.note.metadata = json.at("metadata").get<std::string>();
  if (json.contains("taken_boot_ns")) {
    lock.taken_at = BootTime(Duration(whole_number<std::int64_t>(json.at("taken_boot_ns"))));
  }
  return lock;
}

}  // namespace

std::map<std::string, LocalLock> LocalLockFiles::load(BootTime now) {
  make_private_directory(directory_);
  boot_id_ = this_boot();
  if (const auto json = parsed(directory_ / fence_file)) {
    const Json reserved = json->value("reserved", Json());
    if (reserved.is_number_unsigned()) last_fence_ = reserved;
  }
  std::map<std::string, LocalLock> locks;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string file = entry.path().filename();
    if (!file.ends_with(ending)) continue;
    std::optional<LocalLock> lock;
    const auto json = parsed(entry.path());
    try {
      if (json) lock = lock_in(*json, boot_id_, now);
    } catch (const std::exception&) {  // of Json, or a number out of range
      log::warning(log::local_state_lost, "the file of a lock cannot be read; the agent treats the lock as free",
                   {{"file", entry.path().string()}});
    }
    const std::string name = file.substr(0, file.size() - ending.size());
    if (lock && lock->expires_at > now) {
      locks.emplace(name, std::move(*lock));
    } else {
      remove(name);
    }
  }
  return locks;
}

void LocalLockFiles::save(const std::string& name, const LocalLock& lock) const {
  Json json{{"v", version},
            {"boot_id", boot_id_},
            {"owner", lock.owner},
            {"fence", lock.fence},
            {"expires_boot_ns", lock.expires_at.time_since_epoch().count()},
            {"by", lock_holder_text(lock.note.by)},
            {"metadata", lock.note.metadata}};
  if (lock.taken_at) json["taken_boot_ns"] = lock.taken_at->time_since_epoch().count();
  write(file_of(name), json);
}

void LocalLockFiles::remove(const std::string& name) const {
  std::error_code ignored;
  std::filesystem::remove(file_of(name), ignored);
}

std::uint64_t LocalLockFiles::next_fence(std::uint64_t micros) {
  const WallTime now = from_unix_ms(static_cast<std::int64_t>(micros / 1000));
  const std::uint64_t last = last_fence_ < fence_limit(now) ? last_fence_ : 0;
  const std::uint64_t fence = std::max(last + 1, micros);
  const std::uint64_t last_spare = fence + spare_fences;
  if (last_spare >= reserved_) {
    write(directory_ / fence_file, {{"v", version}, {"reserved", last_spare + reserve}});
    reserved_ = last_spare + reserve;
  }
  last_fence_ = last_spare;
  return fence;
}

}  // namespace jeton::agent
