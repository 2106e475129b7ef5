#include "agent/api/page/page_feed.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/api/page/status_page.hpp"
#include "agent/api/page/token_row.hpp"
#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

constexpr auto between_events = std::chrono::seconds(1);
// The coordinator and the locks of applications change without a notification.
constexpr auto between_looks = std::chrono::seconds(5);
constexpr auto jitter = std::chrono::seconds(1);

// The end of a pause is computed anew from two clocks each time, and differs by a moment.
bool is_same_for_people(const TokenStatus& before, TokenStatus now) {
  if (before.paused_until && now.paused_until) {
    const Milliseconds moved = *now.paused_until - *before.paused_until;
    if (-jitter < moved && moved < jitter) now.paused_until = before.paused_until;
  }
  return before == now;
}

// The words about times change by themselves, in the page: here only the facts count.
std::string facts_without_time(AgentStatus status) {
  status.now = status.started_at;
  return agent_facts(status);
}

std::string server_sent(std::string_view event, const std::string& data) {
  return "event: " + std::string(event) + "\ndata: " + data + "\n\n";
}

// Also a page whose coroutine is cancelled is no longer open.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  std::size_t& count_;
};

}  // namespace

void PageFeed::look(const AgentStatus& status) {
  ++state_;
  std::map<std::string, Known> tokens;
  bool is_other_list = status.tokens.size() != tokens_.size();
  for (const TokenStatus& token : status.tokens) {
    const auto before = tokens_.find(token.name);
    const bool is_new = before == tokens_.end();
    const bool is_same = !is_new && is_same_for_people(before->second.status, token);
    is_other_list = is_other_list || is_new;
    tokens[token.name] = is_same ? std::move(before->second) : Known{token, state_};
  }
  tokens_ = std::move(tokens);
  if (is_other_list) tokens_changed_ = state_;
  std::string facts = facts_without_time(status);
  if (facts == facts_) return;
  facts_ = std::move(facts);
  facts_changed_ = state_;
}

std::string PageFeed::news(std::uint64_t& seen) {
  const AgentStatus status = facade_.agent_status();
  look(status);
  const std::uint64_t known = std::exchange(seen, state_);
  const bool is_complete = known == 0 || known < tokens_changed_;
  std::vector<const TokenStatus*> changed;
  for (const auto& [name, token] : tokens_) {
    if (is_complete || known < token.changed) changed.push_back(&token.status);
  }
  if (!is_complete && changed.empty() && known >= facts_changed_) return {};
  std::sort(changed.begin(), changed.end(),
            [&](const TokenStatus* a, const TokenStatus* b) { return is_worse(*a, *b, status.now); });
  OrderedJson json{{"now_ms", to_unix_ms(status.now)},
                   {"complete", is_complete},
                   {"facts", agent_facts(status)},
                   {"rows", OrderedJson::array()}};
  for (const TokenStatus* token : changed) json["rows"].push_back(row_of(facade_, *token, status.now));
  return server_sent("news", json_text(json));
}

// Changes that come while an event is on its way, or soon after it, are found by the next look: the comparison decides,
// not the notification.
Task<> PageFeed::follow(std::shared_ptr<PageFeed> feed, Timers& timers, Duration heartbeat, LineStream& lines) {
  const Clock& clock = timers.clock();
  const Counted counted(feed->pages_);
  std::uint64_t seen = 0;
  for (BootTime beat = clock.boot_now() + heartbeat;;) {
    const BootTime looked = clock.boot_now();
    std::string event = feed->news(seen);
    if (event.empty() && looked >= beat) event = server_sent("heartbeat", "{}");
    if (event.empty()) {
      co_await feed->facade_.changed().wait_until(std::min(beat, looked + between_looks));
    } else {
      co_await lines.send_line(std::move(event));
      beat = clock.boot_now() + heartbeat;
    }
    lines.check_open();
    co_await sleep_until(timers, looked + between_events);
    lines.check_open();
  }
}

}  // namespace jeton::agent
