#include "agent/segment/reader_access.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <set>
#include <vector>

#include "agent/base/access_list.hpp"
#include "agent/base/accounts.hpp"
#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

unsigned required(std::optional<unsigned> id, const char* kind, const std::string& name) {
  if (id) return *id;
  throw Error(std::string("access: there is no ") + kind + " '" + name +
              "' on this host; create it or remove it from access." + kind + "s");
}

// Sets: a list with a repeated entry is not valid.
struct Readers {
  std::set<unsigned> users;
  std::set<unsigned> groups;
};

Readers readers_of(const AccessConfig& access) {
  Readers readers;
  for (const std::string& user : access.users) readers.users.insert(required(find_user(user), "user", user));
  for (const std::string& group : access.groups) readers.groups.insert(required(find_group(group), "group", group));
  return readers;
}

}  // namespace

void set_readers(int fd, const std::string& path, const AccessConfig& access) {
  const auto [users, groups] = readers_of(access);

  std::string text = "u::rw-,g::---,o::---";
  for (const unsigned id : users) text += ",u:" + std::to_string(id) + ":r--";
  for (const unsigned id : groups) text += ",g:" + std::to_string(id) + ":r--";
  if (!users.empty() || !groups.empty()) text += ",m::r--";

  const AccessList acl(::acl_from_text(text.c_str()));
  if (!acl) throw errno_error(path + ": access list");
  if (::acl_set_fd(fd, static_cast<acl_t>(acl.get())) == 0) return;
  if (errno != EOPNOTSUPP) throw errno_error(path + ": cannot grant access to the readers");
  // Without lists there can be no readers but the owner.
  if (!users.empty() || !groups.empty()) {
    throw Error(path + ": this filesystem has no access control lists; put agent.runtime_dir on a tmpfs");
  }
  if (::fchmod(fd, 0600) != 0) throw errno_error(path);
}

bool gives_more_than(int fd, const AccessConfig& access) {
  const Readers readers = readers_of(access);
  const AccessList acl(::acl_get_fd(fd));
  if (!acl) return false;  // a filesystem without lists
  bool more = false;
  for_each_entry(acl, [&](acl_entry_t entry, acl_tag_t tag) {
    if (!has_right(entry, ACL_READ)) return;
    more |= tag == ACL_USER && !readers.users.contains(qualifier_of(entry));
    more |= tag == ACL_GROUP && !readers.groups.contains(qualifier_of(entry));
    more |= tag == ACL_GROUP_OBJ || tag == ACL_OTHER;
  });
  return more;
}

}  // namespace jeton::agent
