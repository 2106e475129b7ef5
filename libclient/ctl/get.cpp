#include <algorithm>
#include <jeton/client.hpp>
#include <optional>
#include <utility>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

// The same token may be given again with a later end: it keeps its generation, so no wait for another one ends.
constexpr Milliseconds look_at_its_end{1000};

std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }

void print_value(const View& token, bool header) {
  const std::string_view type = token.type().empty() ? "Bearer" : token.type();
  WipedText line;
  line.reserve(token.value().size() + type.size() + 32);
  if (header) {
    line.append("Authorization: ");
    line.append(type);
    line.append(" ");
  }
  line.append(token.value());
  line.append("\n");
  write_out(line.view());
}

// The value is escaped by hand into memory that is wiped; the JSON library gets only the text around it.
void print_json(const View& token, const std::string& name, std::int64_t now) {
  Json rest;
  rest["type"] = std::string(token.type());
  rest["generation"] = token.generation();
  rest["rejected"] = token.rejected();
  rest["issued_at_ms"] = to_ms(token.issued_at());
  rest["expires_at_ms"] = to_ms(token.expires_at());
  rest["expires_in_ms"] = to_ms(token.expires_at()) - now;
  rest["fetched_by"] = std::string(token.origin());
  rest["previous"] = nullptr;
  if (token.previous_value()) {
    rest["previous"] = {{"generation", token.previous_generation()},
                        {"accept_until_ms", to_ms(token.previous_accept_until())}};
  }
  rest["attributes"] = Json::object();
  token.for_each_attribute(
      [&](std::string_view key, std::string_view value) { rest["attributes"][std::string(key)] = std::string(value); });
  const std::string members = rest.dump(-1, ' ', false, Json::error_handler_t::replace).substr(1);
  WipedText document;
  document.reserve(6 * (token.value().size() + name.size()) + members.size() + 64);
  document.append("{\"name\":");
  document.append_json(name);
  document.append(",\"value\":");
  document.append_json(token.value());
  document.append(",");
  document.append(members);
  document.append("\n");
  write_out(document.view());
}

}  // namespace

Exit run_get(const Common& common, const GetOptions& options) {
  const Deadline deadline(options.wait);
  const Token token = open_token(common.dir, options.name);
  Reader reader(token);
  for (bool said = false;;) {
    std::string reason;
    Generation after = 0;
    const auto current = reader.current();
    if (current) {
      const std::int64_t now = unix_ms_now();
      const std::int64_t left = to_ms(current->expires_at()) - now;
      if (left >= options.min_ttl.count()) {
        if (common.format == Format::json) {
          print_json(*current, options.name, now);
        } else {
          print_value(*current, options.header);
        }
        return Exit::done;
      }
      after = current->generation();
      reason = "token '" + options.name + "' is valid for " + duration_text(left) + ", less than --min-ttl " +
               duration_text(options.min_ttl.count());
    } else {
      if (!may_come(current.status())) throw refusal(current.status(), common.dir, options.name);
      if (current.status() == JETON_NOT_FOUND) {
        reason = why_missing(common.dir, options.name, deadline);
        if (!reason.empty() && !options.wait) throw Failure(Exit::unreachable, reason);
        if (!reason.empty() && !std::exchange(said, true)) say(reason + "; waiting");
      }
      if (reason.empty()) reason = not_valid_text(current.status(), common.dir, options.name);
    }
    if (!options.wait) throw Failure(Exit::no_token, reason);
    if (deadline.passed())
      throw Failure(Exit::timed_out, "waited " + duration_text(options.wait->count()) + ": " + reason);

    std::optional<Milliseconds> limit = deadline.remaining();
    if (after != 0) limit = std::min(limit.value_or(look_at_its_end), look_at_its_end);
    const auto waited = token.wait_change(after, limit);
    if (!waited && waited.status() != JETON_TIMED_OUT && waited.status() != JETON_BUSY) {
      throw refusal(waited.status(), common.dir, options.name);
    }
  }
}

}  // namespace jeton::ctl
