#include "agent/api/page/status_page.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "agent/api/token_condition.hpp"
#include "agent/jwt/digest.hpp"
#include "page_text.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t rows_a_turn = 64 * 1024;  // bytes, about a millisecond

// `page` with each {{NAME}} replaced. What is put in is not read again, so a token may be named {{rows}}.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string out;
  std::size_t size = page.size();
  for (const auto& [name, text] : parts) size += text.size();
  out.reserve(size);  // megabytes, which are copied once
  for (;;) {
    const std::size_t begin = page.find("{{");
    const std::size_t end = page.find("}}", begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) return out += page;
    out += page.substr(0, begin);
    out += parts.at(page.substr(begin + 2, end - begin - 2));
    page.remove_prefix(end + 2);
  }
}

std::string fact(std::string_view kind, std::string_view name, const std::string& value, const std::string& more) {
  return "<div" + html_attribute("class", kind) + "><h2>" + std::string(name) + "</h2><p class=\"value\">" + value +
         "</p><p>" + more + "</p></div>";
}

std::string tokens_fact(const AgentStatus& status) {
  const auto valid = std::count_if(status.tokens.begin(), status.tokens.end(),
                                   [](const TokenStatus& token) { return token.state == TokenState::valid; });
  const auto troubled = std::count_if(status.tokens.begin(), status.tokens.end(), [&](const TokenStatus& token) {
    return needs_a_look(condition_of(token, status.now));
  });
  const auto all = static_cast<std::ptrdiff_t>(status.tokens.size());
  const std::string_view kind = valid < all ? "bad" : troubled > 0 ? "warn" : "good";
  return fact(kind, "Tokens", std::to_string(valid) + " of " + std::to_string(all) + " valid",
              troubled == 0 ? "nothing needs a look" : std::to_string(troubled) + " to look at");
}

std::string health_text(const BackendHealth& health) {
  if (health.reachable) return "reachable";
  return "unreachable" + (health.last_error.empty() ? "" : ": " + html_escaped(health.last_error));
}

std::string coordinator_fact(const AgentStatus& status) {
  const BackendHealth& health = status.coordinator;
  std::string more = html_escaped(health.endpoint);
  if (health.clock_offset != Milliseconds(0)) {
    more += ", clock " + std::to_string(health.clock_offset.count()) + " ms from ours";
  }
  return fact(health.reachable ? "good" : "bad", "Coordinator",
              html_escaped(health.backend) + ' ' + health_text(health), more);
}

std::string locks_fact(const AgentStatus& status) {
  if (!status.locks) return fact("good", "Locks of applications", "none", "no rule allows any");
  const LocksStatus& locks = *status.locks;
  return fact(locks.store.reachable ? "good" : "bad", "Locks of applications",
              std::to_string(locks.sessions.held) + " held, " + std::to_string(locks.sessions.waiting) + " waiting",
              "on this host; store " + health_text(locks.store));
}

std::string agent_fact(const AgentStatus& status, WallTime now) {
  std::string more = "started " + html_time(status.started_at, now);
  if (status.log_lines_dropped > 0) more += ", " + std::to_string(status.log_lines_dropped) + " log lines lost";
  return fact(status.log_lines_dropped > 0 ? "warn" : "good", "Agent", html_escaped(status.version), more);
}

std::string source_of(std::string_view text) {
  const SecretString digest = digest_of(Digest::sha256, text);
  return "'sha256-" + std::string(base64_encoded(digest.reveal()).reveal()) + '\'';
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return out;
}

std::string html_attribute(std::string_view name, std::string_view value) {
  return ' ' + std::string(name) + "=\"" + html_escaped(value) + '"';
}

std::string relative_words(WallTime at, WallTime now) {
  const Milliseconds left = at - now;
  if (left > Milliseconds(-1000) && left < Milliseconds(1000)) return "now";
  return left > Milliseconds(0) ? "in " + duration_words(left) : duration_words(left) + " ago";
}

std::string html_time(WallTime at, WallTime now) {
  const std::string utc = utc_text(at);
  return "<time" + html_attribute("datetime", utc) + html_attribute("title", utc) + " data-at=\"" +
         std::to_string(to_unix_ms(at)) + "\">" + relative_words(at, now) + "</time>";
}

std::string agent_facts(const AgentStatus& status, WallTime now) {
  return tokens_fact(status) + coordinator_fact(status) + locks_fact(status) + agent_fact(status, now);
}

Task<std::string> rows_text(Timers& timers, const AgentFacade& facade, std::vector<const TokenStatus*> tokens,
                            WallTime now, std::function<std::string(const std::string&)> form) {
  std::sort(tokens.begin(), tokens.end(), [now](const TokenStatus* a, const TokenStatus* b) {
    return std::pair(condition_of(*a, now).rank, std::string_view(a->name)) <
           std::pair(condition_of(*b, now).rank, std::string_view(b->name));
  });
  std::string text;
  std::size_t before = 0;
  for (const TokenStatus* token : tokens) {
    if (text.size() - before >= rows_a_turn) {
      co_await sleep_for(timers, Duration{0});
      before = text.size();
    }
    text += form(row_of(facade, *token, now));
  }
  co_return text;
}

Task<std::string> status_page(Timers& timers, const AgentFacade& facade, std::shared_ptr<const AgentStatus> status,
                              std::string seen) {
  std::vector<const TokenStatus*> tokens;
  for (const TokenStatus& token : status->tokens) tokens.push_back(&token);
  std::map<std::string_view, std::string> parts;
  parts["rows"] = co_await rows_text(timers, facade, std::move(tokens), status->now,
                                     [](const std::string& row) { return row + '\n'; });
  parts["host"] = html_escaped(status->host);
  parts["now"] = std::to_string(to_unix_ms(status->now));
  parts["seen"] = html_escaped(seen);
  parts["as_of"] = utc_text(status->now);
  parts["facts"] = agent_facts(*status, status->now);
  parts["style"] = page_text::page_css;
  parts["script"] = page_text::page_js;
  co_return filled(page_text::page_html, parts);
}

const std::string& page_policy() {
  static const std::string policy =
      "default-src 'none'; style-src " + source_of(page_text::page_css) + "; script-src " +
      source_of(page_text::page_js) +
      "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return policy;
}

}  // namespace jeton::agent
