// The event stream of a token (token_routes.hpp).
#include <utility>

#include "agent/api/status_json.hpp"
#include "agent/api/tokens/token_routes.hpp"

namespace jeton::agent {

// First the state, then a line whenever the summary differs from the last one sent. Changes that come while a line is
// on its way are seen on the next turn: the comparison, not the notification, decides. Other tokens' changes wake the
// stream too, so the time of the heartbeat moves only when a line is sent. A reload may change the token's readers, so
// the right to read is checked each time.
Task<> send_token_events(AgentFacade& facade, AccountNames& names, const Clock& clock, const Peer& peer,
                         Duration heartbeat, std::string token, LineStream& lines) {
  std::string sent;
  for (BootTime next_beat = clock.boot_now() + heartbeat;;) {
    const auto status = facade.token_status(token);
    const AccessConfig* access = facade.token_access(token);
    const bool gone = !status || access == nullptr;
    if (gone || !may_read(peer, *access, names)) {
      std::string last = event_json(gone ? "removed" : "forbidden", clock.wall_now(), {});
      co_await lines.send_line(std::move(last));
      co_return;
    }
    std::string summary = token_summary(*status);
    std::string line;
    if (summary != sent) {
      line = event_json(sent.empty() ? "state" : "change", clock.wall_now(), summary);
      sent = std::move(summary);
    } else {
      const bool notified = co_await facade.changed().wait_until(next_beat);
      lines.check_open();
      if (notified) continue;
      line = event_json("heartbeat", clock.wall_now(), {});
    }
    co_await lines.send_line(std::move(line));
    next_beat = clock.boot_now() + heartbeat;
  }
}

}  // namespace jeton::agent
