#include "agent/fleet/redlock/server_identities.hpp"

#include <utility>

#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent {

void ServerIdentities::add(std::string display, std::function<bool()> is_connected) {
  endpoints_.push_back({std::move(display), std::move(is_connected), {}, false});
}

void ServerIdentities::claim(std::size_t endpoint, const std::string& run_id) {
  Endpoint& claimant = endpoints_[endpoint];
  claimant.run_id.clear();
  claimant.refused = false;
  if (run_id.empty()) {
    if (std::exchange(unknown_reported_, true)) return;
    log::info(
        "a server does not send its run id (allow +info in its ACL): jeton would not notice one server under two names",
        {{"server", claimant.display}});
    return;
  }
  for (const Endpoint& other : endpoints_) {
    if (&other == &claimant || other.run_id != run_id || !other.is_connected()) continue;
    claimant.refused = true;
    throw redis::SetupError("it is the same server as " + other.display +
                            " and has one vote, so it is not asked; name every server once in "
                            "coordination.redlock.endpoints, and replace this one by another");
  }
  claimant.run_id = run_id;
}

}  // namespace jeton::agent
