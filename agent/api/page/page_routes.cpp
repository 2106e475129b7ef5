#include "agent/api/page/page_routes.hpp"

#include <string_view>

#include "agent/api/page/status_page.hpp"

namespace jeton::agent {

PageRoutes::PageRoutes(AgentFacade& facade, Timers& timers, Duration heartbeat)
    : facade_(facade), timers_(timers), heartbeat_(heartbeat), feed_(std::make_shared<PageFeed>(facade)) {}

std::optional<ApiResponse> PageRoutes::answer(const ApiRequest& request) const {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/" && path != "/events") return std::nullopt;
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (path == "/events") {
    if (!feed_->has_room()) {
      return error_answer(503, "too_many_pages", "too many status pages are open; close one, or load this one again");
    }
    return StreamAnswer{"text/event-stream", [feed = feed_, &timers = timers_, heartbeat = heartbeat_](auto& lines) {
                          return PageFeed::follow(feed, timers, heartbeat, lines);
                        }};
  }
  ApiAnswer page;
  page.body = status_page(facade_);
  page.content_type = "text/html; charset=utf-8";
  page.policy = page_policy();
  return page;
}

}  // namespace jeton::agent
