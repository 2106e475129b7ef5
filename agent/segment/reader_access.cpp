#include "agent/segment/reader_access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/acl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
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

unsigned user_id(const std::string& name) {
  std::vector<char> buffer;
  if (const auto entry = look_up<passwd>(::getpwnam_r, name, buffer)) return entry->pw_uid;
  if (const auto id = number(name)) return *id;
  throw Error("access: there is no user '" + name + "' on this host; create it or take it out of access.users");
}

unsigned group_id(const std::string& name) {
  std::vector<char> buffer;
  if (const auto entry = look_up<group>(::getgrnam_r, name, buffer)) return entry->gr_gid;
  if (const auto id = number(name)) return *id;
  throw Error("access: there is no group '" + name + "' on this host; create it or take it out of access.groups");
}

struct FreeAcl {
  void operator()(void* acl) const { ::acl_free(acl); }
};

}  // namespace

void set_readers(int fd, const std::string& path, const AccessConfig& access) {
  std::set<unsigned> users;  // sets: an entry that stands twice is no valid list
  std::set<unsigned> groups;
  for (const std::string& user : access.users) users.insert(user_id(user));
  for (const std::string& group : access.groups) groups.insert(group_id(group));

  std::string text = "u::rw-,g::---,o::---";
  for (const unsigned id : users) text += ",u:" + std::to_string(id) + ":r--";
  for (const unsigned id : groups) text += ",g:" + std::to_string(id) + ":r--";
  if (!users.empty() || !groups.empty()) text += ",m::r--";

  const std::unique_ptr<void, FreeAcl> acl(::acl_from_text(text.c_str()));
  if (!acl) throw errno_error(path + ": access list");
  if (::acl_set_fd(fd, static_cast<acl_t>(acl.get())) == 0) return;
  if (errno != EOPNOTSUPP) throw errno_error(path + ": readers cannot be granted");
  // Without lists there can be no readers but the owner.
  if (!users.empty() || !groups.empty()) {
    throw Error(path + ": this filesystem has no access control lists; put agent.runtime_dir on a tmpfs");
  }
  if (::fchmod(fd, 0600) != 0) throw errno_error(path);
}

}  // namespace jeton::agent
