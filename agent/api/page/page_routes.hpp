// The paths of the status page, which agent.listen serves besides those for monitoring (server/monitoring_server.hpp):
//
//   GET  /                    the page (status_page.hpp), not stored by a browser, in no frame
//   GET  /events?seen=STATE   its news since that state as server-sent events (page_feed.hpp); without one, everything
// HEAD is answered like GET, without the body; 503 if too many pages are open. They are not on the socket of the local
// API, which no browser reads.
#pragma once

#include <memory>
#include <optional>

#include "agent/api/agent_facade.hpp"
#include "agent/api/page/page_feed.hpp"
#include "agent/api/response.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

class PageRoutes {
 public:
  // Facade and timers outlive it, and every connection with an open stream.
  PageRoutes(AgentFacade& facade, Timers& timers, Duration heartbeat);

  // None: another path.
  [[nodiscard]] std::optional<ApiResponse> answer(const ApiRequest& request) const;

 private:
  Duration heartbeat_;
  std::shared_ptr<PageFeed> feed_;
};

}  // namespace jeton::agent
