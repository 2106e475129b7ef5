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
std::optional<unsigned> find_id(Lookup lookup, unsigned Entry::*id, const std::string& name) {
  std::vector<char> buffer(1024);
  Entry entry = {};
  Entry* found = nullptr;
  while (lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE && buffer.size() < 1024 * 1024) {
    buffer.resize(buffer.size() * 4);
  }
  return found == nullptr ? parse_id(name) : entry.*id;
}

}  // namespace

std::optional<unsigned> find_user(const std::string& name) { return find_id(::getpwnam_r, &passwd::pw_uid, name); }

std::optional<unsigned> find_group(const std::string& name) { return find_id(::getgrnam_r, &group::gr_gid, name); }

}  // namespace jeton::agent
