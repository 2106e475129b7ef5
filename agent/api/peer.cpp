#include "agent/api/peer.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/accounts.hpp"
#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr auto keep_answer = std::chrono::minutes(1);

std::vector<gid_t> peer_groups(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    if (!got && errno != ERANGE) throw errno_error("cannot read the groups of a local client (SO_PEERGROUPS)");
    groups.resize(size / sizeof(gid_t));  // on ERANGE the kernel says how much it needs
    if (got) return groups;
  }
}

}  // namespace

bool Peer::in_group(gid_t group) const {
  return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
}

Peer peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    throw errno_error("cannot read the user of a local client (SO_PEERCRED)");
  }
  return {credentials.uid, credentials.gid, peer_groups(socket), credentials.pid};
}

std::optional<uid_t> AccountNames::user(const std::string& name) { return cached(users_, name, find_user); }

std::optional<gid_t> AccountNames::group(const std::string& name) { return cached(groups_, name, find_group); }

// Bounded by the configuration: only names that it contains are ever asked for.
std::optional<id_t> AccountNames::cached(std::map<std::string, Answer>& answers, const std::string& name,
                                         Lookup look_up) {
  const BootTime now = clock_.boot_now();
  const auto known = answers.find(name);
  if (known != answers.end() && now < known->second.until) return known->second.id;
  const auto id = look_up(name);
  answers[name] = {id, now + keep_answer};
  return id;
}

bool may_read(const Peer& peer, const AccessConfig& access, AccountNames& names) {
  if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
  const auto is_peer = [&](const std::string& user) { return names.user(user) == peer.uid; };
  const auto has_peer = [&](const std::string& group) {
    const auto id = names.group(group);
    return id && peer.in_group(*id);
  };
  return std::any_of(access.users.begin(), access.users.end(), is_peer) ||
         std::any_of(access.groups.begin(), access.groups.end(), has_peer);
}

}  // namespace jeton::agent
