// PageFeed: the news for the open status pages. Each page has a number, the state that it knows; all pages share one
// look at the agent a second, and what it found, so a page more costs little. Rendering gives the loop its turns. One
// thread: the loop's.
//
// News are one event of server-sent events, "news", with JSON on one line: {now_ms, seen, complete, facts, rows}.
// `rows` are those of the tokens that changed, as HTML like in the page itself, so that there is one way to show a
// token. If `complete`, they are all rows: the page drops every other one. `seen` is the state as a page keeps it.
//
// The paths of the page, which agent.listen serves besides those for monitoring (server/server.hpp):
//
//   GET  /                    the page (status_page.hpp), not stored by a browser, in no frame
//   GET  /events?seen=STATE   its news since that state as server-sent events; without one, everything
// HEAD is answered like GET, without the body; 503 if too many pages are open. They are not on the socket of the local
// API, which no browser reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/api/response.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

class PageFeed {
 public:
  // Facade and timers outlive it, and every task of it.
  PageFeed(AgentFacade& facade, Timers& timers) : facade_(facade), timers_(timers) {}

  // Looks at the agent, unless that was done within the last `enough`: then false.
  bool look(Duration enough);
  // The changes up to the last look for a page that knows `seen`; 0 knows nothing. Moves `seen` on. Empty: nothing.
  [[nodiscard]] Task<std::string> news(std::uint64_t& seen);
  // The page as of now.
  [[nodiscard]] Task<std::string> page();
  // The state that a page kept; 0 if it is of another run of the agent, or none.
  [[nodiscard]] std::uint64_t state_of(std::string_view text) const;

  // Whether one more page may follow.
  [[nodiscard]] bool has_room() const { return pages_ < most_pages; }
  // Sends the news as they come, one event a second at most, and a heartbeat when nothing changes; the first event also
  // when there are no news. Ends by the exception of a closed stream.
  static Task<> follow(std::shared_ptr<PageFeed> feed, std::uint64_t seen, Duration heartbeat, LineStream& lines);

 private:
  static constexpr std::size_t most_pages = 16;

  void compare(AgentStatus status);
  [[nodiscard]] std::string seen_text() const;
  [[nodiscard]] Task<std::string> event_since(std::uint64_t known);

  AgentFacade& facade_;
  Timers& timers_;
  BootTime looked_{};
  std::shared_ptr<const AgentStatus> status_;     // of the last look; null before the first one
  std::map<std::string, std::uint64_t> changed_;  // the state in which each token last changed
  std::uint64_t state_ = 0;                       // rises by one with each look
  std::uint64_t tokens_changed_ = 0;              // the state in which a token came or went
  std::uint64_t facts_changed_ = 0;
  std::string facts_;
  std::size_t pages_ = 0;
};

// None: another path. `heartbeat` is that of follow().
[[nodiscard]] std::optional<ApiResponse> page_route(const std::shared_ptr<PageFeed>& feed, const ApiRequest& request,
                                                    Duration heartbeat);

}  // namespace jeton::agent
