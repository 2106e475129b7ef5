// Peer: the user at the other end of a local socket, as the kernel says, and the tokens that this user may read.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

// The credentials at the time of connect(2); a process that changes its user afterwards keeps them on the connection.
struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  std::vector<gid_t> groups;  // supplementary
  pid_t pid = 0;              // 0: in another pid namespace

  [[nodiscard]] bool in_group(gid_t group) const;
};

// SO_PEERCRED and SO_PEERGROUPS of a connected unix socket. Throws Error.
[[nodiscard]] Peer peer_of(int socket);

// User and group names to ids, through the system's databases (NSS); a text of digits without such a name is an id. An
// answer is kept for a minute, "no such name" included: a directory service that answers slowly must not hold the loop
// at every request. One thread: the loop's.
class AccountNames {
 public:
  explicit AccountNames(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] std::optional<uid_t> user(const std::string& name);
  [[nodiscard]] std::optional<gid_t> group(const std::string& name);

 private:
  struct Answer {
    std::optional<id_t> id;
    BootTime until;
  };
  using Lookup = std::optional<id_t> (*)(const std::string&);
  std::optional<id_t> cached(std::map<std::string, Answer>& answers, const std::string& name, Lookup look_up);

  const Clock& clock_;
  std::map<std::string, Answer> users_;
  std::map<std::string, Answer> groups_;
};

// True for root, the agent's own user, the named users and the members of the named groups: the same users to whom the
// segment's ACL grants access.
[[nodiscard]] bool may_read(const Peer& peer, const AccessConfig& access, AccountNames& names);

}  // namespace jeton::agent
