// PageFeed: the news for the open status pages. Each page has a number, the state that it knows; all pages share what
// is remembered of the tokens, so a page more costs no memory. One thread: the loop's.
//
// News are one event of server-sent events, "news", with JSON on one line: {now_ms, complete, facts, rows}. `rows` are
// those of the tokens that changed, as HTML like in the page itself, so that there is one way to show a token. If
// `complete`, they are all rows, in their order: the page drops every other one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/api/agent_facade.hpp"
#include "agent/api/line_stream.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

class PageFeed {
 public:
  // The facade outlives it.
  explicit PageFeed(AgentFacade& facade) : facade_(facade) {}

  // Empty if nothing has changed since `seen`, which is 0 for a page that knows nothing. Moves `seen` to the present.
  [[nodiscard]] std::string news(std::uint64_t& seen);
  // Whether one more page may follow: each costs a look at the agent a second.
  [[nodiscard]] bool has_room() const { return pages_ < most_pages; }
  // Sends the news as they come, one event a second at most, and a heartbeat when nothing changes. Ends by the
  // exception of a closed stream. Timers outlive it.
  static Task<> follow(std::shared_ptr<PageFeed> feed, Timers& timers, Duration heartbeat, LineStream& lines);

 private:
  static constexpr std::size_t most_pages = 16;
  struct Known {
    TokenStatus status;
    std::uint64_t changed = 0;
  };

  void look(const AgentStatus& status);

  AgentFacade& facade_;
  std::uint64_t state_ = 0;           // rises by one with each change
  std::uint64_t tokens_changed_ = 0;  // the state in which a token came or went
  std::uint64_t facts_changed_ = 0;
  std::size_t pages_ = 0;
  std::string facts_;
  std::map<std::string, Known> tokens_;
};

}  // namespace jeton::agent
