#include "agent/api/tokens/token_stream.hpp"

#include <utility>

#include "agent/api/status_json.hpp"

namespace jeton::agent {

// First the state, then a line whenever the summary differs from the last one sent. Changes that come while a line is
// on its way are seen on the next turn: the comparison, not the notification, decides. Other tokens' changes wake the
// stream too, so the time of the heartbeat moves only when a line is sent. A reload may change the token's readers, so
// the right to read is checked each time.
Task<> TokenStream::run(std::string token, LineStream& lines) {
  std::string sent;
  for (BootTime heartbeat = clock_.boot_now() + heartbeat_;;) {
    const auto status = facade_.token_status(token);
    const AccessConfig* access = facade_.token_access(token);
    const bool gone = !status || access == nullptr;
    if (gone || !may_read(peer_, *access, names_)) {
      std::string last = event_json(gone ? "removed" : "forbidden", clock_.wall_now(), {});
      co_await lines.send_line(std::move(last));
      co_return;
    }
    std::string summary = token_summary(*status);
    if (summary != sent) {
      std::string line = event_json(sent.empty() ? "state" : "change", clock_.wall_now(), summary);
      sent = std::move(summary);
      co_await lines.send_line(std::move(line));
      heartbeat = clock_.boot_now() + heartbeat_;
      continue;
    }
    const bool notified = co_await facade_.changed().wait_until(heartbeat);
    lines.check_open();
    if (notified) continue;
    std::string line = event_json("heartbeat", clock_.wall_now(), {});
    co_await lines.send_line(std::move(line));
    heartbeat = clock_.boot_now() + heartbeat_;
  }
}

}  // namespace jeton::agent
