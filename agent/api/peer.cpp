#include "agent/api/peer.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr auto keep_answer = std::chrono::minutes(1);
constexpr std::size_t largest_entry = 1 << 20;  // bytes; a group with thousands of members needs some hundred KiB

// As the segment's access list has it: digits that are no name of this host are a number.
std::optional<id_t> number_in(const std::string& name) {
  id_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc{} || end != name.data() + name.size() || id == static_cast<id_t>(-1)) return std::nullopt;
  return id;
}

// getpwnam_r and getgrnam_r alike: they ask for a bigger buffer by ERANGE.
template <typename Entry, typename Get, typename Id>
std::optional<id_t> find_account(const std::string& name, Get get, Id id) {
  std::vector<char> buffer(1024);
  Entry entry{};
  Entry* found = nullptr;
  while (get(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE && buffer.size() < largest_entry) {
    buffer.resize(buffer.size() * 4);
  }
  return found != nullptr ? std::optional<id_t>(id(*found)) : number_in(name);
}

std::optional<id_t> find_user(const std::string& name) {
  return find_account<passwd>(name, ::getpwnam_r, [](const passwd& entry) { return entry.pw_uid; });
}

std::optional<id_t> find_group(const std::string& name) {
  return find_account<group>(name, ::getgrnam_r, [](const group& entry) { return entry.gr_gid; });
}

std::vector<gid_t> peer_groups(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    if (!got && errno != ERANGE) throw errno_error("SO_PEERGROUPS of a local connection");
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
    throw errno_error("SO_PEERCRED of a local connection");
  }
  return {credentials.uid, credentials.gid, peer_groups(socket), credentials.pid};
}

std::optional<uid_t> AccountNames::user(const std::string& name) { return cached(users_, name, find_user); }

std::optional<gid_t> AccountNames::group(const std::string& name) { return cached(groups_, name, find_group); }

// Bounded by the configuration: only names that stand in it are ever asked for.
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
