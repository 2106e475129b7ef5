#include "agent/api/page/page_feed.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include "agent/api/page/status_page.hpp"
#include "agent/api/token_condition.hpp"
#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

constexpr auto between_events = std::chrono::seconds(1);
// The coordinator and the locks of applications change without a notification.
constexpr auto between_looks = std::chrono::seconds(5);
constexpr std::string_view seen_query = "?seen=";

std::string server_sent(std::string_view event, const std::string& data) {
  std::string text;
  text.reserve(data.size() + 64);
  text.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
  return text;
}

// The digits at the end of `start`-DIGITS; 0 if the text is another one.
std::uint64_t number_after(std::string_view start, std::string_view text) {
  std::uint64_t number = 0;
  if (!text.starts_with(start)) return 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + start.size(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? number : 0;
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

std::string start_of(const AgentStatus& status) { return std::to_string(to_unix_ms(status.started_at)) + '-'; }

Task<ApiAnswer> page_answer(std::shared_ptr<PageFeed> feed) {
  ApiAnswer answer;
  answer.body = co_await feed->page();
  answer.content_type = "text/html; charset=utf-8";
  answer.policy = page_policy();
  co_return answer;
}

}  // namespace

bool PageFeed::look(Duration enough) {
  const BootTime now = timers_.clock().boot_now();
  if (status_ && now - looked_ < enough) return false;
  looked_ = now;
  compare(facade_.agent_status());
  return true;
}

void PageFeed::compare(AgentStatus status) {
  ++state_;
  std::map<std::string, const TokenStatus*> before;
  if (status_) {
    for (const TokenStatus& token : status_->tokens) before.emplace(token.name, &token);
  }
  std::map<std::string, std::uint64_t> changed;
  bool is_other_list = status.tokens.size() != before.size();
  for (const TokenStatus& token : status.tokens) {
    const auto known = before.find(token.name);
    const bool is_new = known == before.end();
    // A refresh becomes due, in a pause too, without a change of the status: the word depends on the time.
    const bool is_same = !is_new && *known->second == token &&
                         condition_of(*known->second, status_->now).word == condition_of(token, status.now).word;
    is_other_list = is_other_list || is_new;
    changed[token.name] = is_same ? changed_.at(token.name) : state_;
  }
  changed_ = std::move(changed);
  if (is_other_list) tokens_changed_ = state_;
  // The words about times change by themselves, in the page: here only the facts count.
  std::string facts = agent_facts(status, status.started_at);
  if (facts != facts_) {
    facts_ = std::move(facts);
    facts_changed_ = state_;
  }
  status_ = std::make_shared<const AgentStatus>(std::move(status));
}

std::string PageFeed::seen_text() const { return start_of(*status_) + std::to_string(state_); }

std::uint64_t PageFeed::state_of(std::string_view text) const {
  const std::uint64_t state = status_ ? number_after(start_of(*status_), text) : 0;
  return state <= state_ ? state : 0;
}

Task<std::string> PageFeed::page() {
  look(Duration{0});
  return status_page(timers_, facade_, status_, seen_text());
}

Task<std::string> PageFeed::news(std::uint64_t& seen) {
  const std::uint64_t known = std::exchange(seen, state_);
  const bool is_none =
      known >= tokens_changed_ && known >= facts_changed_ &&
      std::none_of(changed_.begin(), changed_.end(), [&](const auto& one) { return known < one.second; });
  if (is_none) co_return std::string();
  std::string text = co_await event_since(known);
  co_return text;
}

// Another look may come between two turns: all of this event is of one.
Task<std::string> PageFeed::event_since(std::uint64_t known) {
  const std::shared_ptr<const AgentStatus> status = status_;
  const bool is_complete = known < tokens_changed_;
  std::vector<const TokenStatus*> tokens;
  for (const TokenStatus& token : status->tokens) {
    if (is_complete || known < changed_.at(token.name)) tokens.push_back(&token);
  }
  const OrderedJson head{{"now_ms", to_unix_ms(status->now)},
                         {"seen", seen_text()},
                         {"complete", is_complete},
                         {"facts", agent_facts(*status, status->now)}};
  std::string data = json_text(head);
  data.back() = ',';
  std::string rows = co_await rows_text(timers_, facade_, std::move(tokens), status->now, [](const std::string& row) {
    const OrderedJson text = row;
    return json_text(text) + ',';
  });
  if (!rows.empty()) rows.pop_back();
  data.append("\"rows\":[").append(rows).append("]}");
  co_return server_sent("news", data);
}

// A change that comes soon after a look is found by the next one: the comparison decides, not the notification. Only
// the page that has just looked itself may wait for a notification; the others would miss one since that look.
Task<> PageFeed::follow(std::shared_ptr<PageFeed> feed, std::uint64_t seen, Duration heartbeat, LineStream& lines) {
  Timers& timers = feed->timers_;
  const Clock& clock = timers.clock();
  const Counted counted(feed->pages_);
  bool is_first = true;
  for (BootTime beat = clock.boot_now() + heartbeat;;) {
    const bool is_own_look = feed->look(between_events);
    const BootTime looked = feed->looked_;
    std::string text = co_await feed->news(seen);
    if (text.empty() && is_first) text = co_await feed->event_since(seen);
    is_first = false;
    lines.check_open();
    if (text.empty() && clock.boot_now() >= beat) text = server_sent("heartbeat", "{}");
    if (!text.empty()) {
      co_await lines.send_line(std::move(text));
      beat = clock.boot_now() + heartbeat;
    } else if (is_own_look) {
      co_await feed->facade_.changed().wait_until(std::min<BootTime>(beat, looked + between_looks));
    }
    lines.check_open();
    co_await sleep_until(timers, looked + between_events);
    lines.check_open();
  }
}

std::optional<ApiResponse> page_route(const std::shared_ptr<PageFeed>& feed, const ApiRequest& request,
                                      Duration heartbeat) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(path.size());
  if (path != "/" && path != "/events") return std::nullopt;
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (path == "/") return LaterAnswer{[feed] { return page_answer(feed); }};
  if (!feed->has_room()) {
    return error_answer(503, "too_many_pages", "too many status pages are open; close one, or load this one again");
  }
  const std::uint64_t seen = query.starts_with(seen_query) ? feed->state_of(query.substr(seen_query.size())) : 0;
  return StreamAnswer{"text/event-stream", [feed, seen, heartbeat](LineStream& lines) {
                        return PageFeed::follow(feed, seen, heartbeat, lines);
                      }};
}

}  // namespace jeton::agent
