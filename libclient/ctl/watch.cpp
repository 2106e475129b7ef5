// jetonctl wait, jetonctl watch: changes of one token, by its segment.
#include <algorithm>
#include <jeton/client.hpp>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

// A new generation wakes the watcher at once; other changes (a flag, a reader of stdout that has gone) are seen after
// this time.
constexpr Milliseconds look_again{1000};

// The states that the watcher distinguishes.
struct Seen {
  std::string state;
  Generation generation = 0;
  std::int64_t expires_at_ms = 0;
  bool operator==(const Seen&) const = default;
};

Seen seen_in(const SegmentState& now) {
  if (!now.info) return {now.state, 0, 0};
  return {now.state, now.info->generation(), now.info->raw().expires_at_ms};
}

std::string line_for(const SegmentState& now) {
  std::string line = time_text(unix_ms_now()) + "  " + coloured(padded(now.state, 8), colour_of(now.state));
  if (!now.info) return line + (now.problem.empty() ? "" : "  " + printable(now.problem)) + "\n";
  const std::int64_t expires = now.info->raw().expires_at_ms;
  line += "  generation " + std::to_string(now.info->generation()) + "  ";
  line += (expires < unix_ms_now() ? "expired " : "expires ") + relative_text(expires - unix_ms_now());
  return line + "\n";
}

std::string json_for(const SegmentState& now) {
  Json json{{"at_ms", unix_ms_now()}, {"name", now.name}, {"state", now.state}};
  for (const char* member : {"generation", "issued_at_ms", "expires_at_ms"}) json[member] = nullptr;
  if (now.info) {
    json["generation"] = now.info->generation();
    json["issued_at_ms"] = now.info->raw().issued_at_ms;
    json["expires_at_ms"] = now.info->raw().expires_at_ms;
  }
  return json_line(json);
}

// At the moment the token runs out its state changes, too.
Milliseconds next_look(const SegmentState& now) {
  if (!now.info || now.info->expired()) return look_again;
  const Milliseconds left(now.info->raw().expires_at_ms - unix_ms_now());
  return std::clamp(left, Milliseconds(1), look_again);
}

void follow(const Common& common, const std::string& name) {
  const Token token = open_token(common.dir, name);
  SegmentState now = segment_state(token, name);
  if (now.state == "missing") say_what_is_missing(common.dir, name, Deadline(std::nullopt));
  if (now.state == "denied") throw refusal(JETON_NO_PERMISSION, common.dir, name);

  for (Seen last; !out_is_closed(); now = segment_state(token, name)) {
    const Seen seen = seen_in(now);
    if (!(seen == last)) write_out(common.format == Format::json ? json_for(now) : line_for(now));
    last = seen;
    const auto waited = token.wait_change(seen.generation, next_look(now));
    if (!waited && waited.status() != JETON_TIMED_OUT && !may_come(waited.status())) {
      throw refusal(waited.status(), common.dir, name);
    }
  }
}

}  // namespace

Exit run_watch(const Common& common, const WatchOptions& options) {
  try {
    follow(common, options.name);
  } catch (const Failure& failure) {
    // The reader of `jetonctl watch NAME | head -1` has ended: this is no error.
    if (*failure.what() != '\0' || failure.exit() != Exit::error) throw;
  }
  return Exit::done;
}

Exit run_wait(const Common& common, const WaitOptions& options) {
  const Token token = open_token(common.dir, options.name);
  const Deadline deadline(options.timeout);
  const auto is_missing = [&] { return token.inspect().status() == JETON_NOT_FOUND; };
  if (is_missing()) say_what_is_missing(common.dir, options.name, deadline);

  const auto generation = await_generation(token, options.after, deadline, common.dir, options.name);
  if (!generation) {
    std::string what = is_missing() ? why_missing(common.dir, options.name, deadline) : "";
    if (what.empty()) {
      what = "token '" + options.name + "' " +
             (options.after == 0 ? "is not valid" : "has no generation above " + std::to_string(options.after));
    }
    throw Failure(Exit::timed_out, "waited " + duration_text(options.timeout->count()) + ": " + what);
  }
  write_out(common.format == Format::json ? json_line({{"name", options.name}, {"generation", *generation}})
                                          : std::to_string(*generation) + "\n");
  return Exit::done;
}

}  // namespace jeton::ctl
