#include "agent/fleet/redis/stored_records.hpp"

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/fleet_record.hpp"

namespace jeton::agent {

std::optional<Record> StoredRecords::read(const std::string& name, const std::optional<SecretString>& text,
                                          Milliseconds offset, const std::string& where, const std::string& key) {
  if (!text) return std::nullopt;
  try {
    Record record = to_local_time(codec_.decode(name, text->reveal()), offset, clock_.wall_now());
    malformed_.erase(name);
    return record;
  } catch (const Error& e) {
    if (malformed_.insert(name).second) {
      log::warning("ignored a malformed record; the next publication replaces it",
                   {{"token", name}, {"server", where}, {"key", key}, {"error", e.what()}});
    }
    channels_.tell_unreadable(name, e.what());
    return std::nullopt;
  }
}

}  // namespace jeton::agent
