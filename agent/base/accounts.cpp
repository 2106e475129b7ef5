#include "agent/base/accounts.hpp"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <vector>

namespace jeton::agent {
namespace {

std::optional<unsigned> parse_id(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value == static_cast<unsigned>(-1)) return std::nullopt;  // no id: chown and ACLs take it for "none"
  return value;
}

// getpwnam_r and getgrnam_r differ in types only.
template <typename Entry, typename Lookup>
std::optional<Entry> look_up(Lookup lookup, const std::string& name, std::vector<char>& buffer) {
  for (buffer.resize(1024); buffer.size() <= 1024 * 1024; buffer.resize(buffer.size() * 4)) {
    Entry entry = {};
    Entry* found = nullptr;
    const int error = lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (found == nullptr) return std::nullopt;
    return entry;
  }
  return std::nullopt;
}

}  // namespace

std::optional<unsigned> find_user(const std::string& name) {
  std::vector<char> buffer;
  if (const auto entry = look_up<passwd>(::getpwnam_r, name, buffer)) return entry->pw_uid;
  return parse_id(name);
}

std::optional<unsigned> find_group(const std::string& name) {
  std::vector<char> buffer;
  if (const auto entry = look_up<group>(::getgrnam_r, name, buffer)) return entry->gr_gid;
  return parse_id(name);
}

}  // namespace jeton::agent
