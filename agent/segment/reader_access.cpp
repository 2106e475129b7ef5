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

}  // namespace

void set_readers(int fd, const std::string& path, const AccessConfig& access) {
  std::set<unsigned> users;  // sets: a list with a repeated entry is not valid
  std::set<unsigned> groups;
  for (const std::string& user : access.users) users.insert(required(find_user(user), "user", user));
  for (const std::string& group : access.groups) groups.insert(required(find_group(group), "group", group));

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

}  // namespace jeton::agent
