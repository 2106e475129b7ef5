#include "agent/api/page/page_routes.hpp"

#include <string_view>

#include "agent/api/page/status_page.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view seen_query = "?seen=";

Task<ApiAnswer> page_answer(std::shared_ptr<PageFeed> feed) {
  ApiAnswer answer;
  answer.body = co_await feed->page();
  answer.content_type = "text/html; charset=utf-8";
  answer.policy = page_policy();
  co_return answer;
}

}  // namespace

PageRoutes::PageRoutes(AgentFacade& facade, Timers& timers, Duration heartbeat)
    : heartbeat_(heartbeat), feed_(std::make_shared<PageFeed>(facade, timers)) {}

std::optional<ApiResponse> PageRoutes::answer(const ApiRequest& request) const {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(path.size());
  if (path != "/" && path != "/events") return std::nullopt;
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (path == "/events") {
    if (!feed_->has_room()) {
      return error_answer(503, "too_many_pages", "too many status pages are open; close one, or load this one again");
    }
    const std::uint64_t seen = query.starts_with(seen_query) ? feed_->state_of(query.substr(seen_query.size())) : 0;
    return StreamAnswer{"text/event-stream", [feed = feed_, seen, heartbeat = heartbeat_](LineStream& lines) {
                          return PageFeed::follow(feed, seen, heartbeat, lines);
                        }};
  }
  return LaterAnswer{[feed = feed_] { return page_answer(feed); }};
}

}  // namespace jeton::agent
