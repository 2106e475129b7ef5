#include "agent/fleet/local/local_state.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/base/log.hpp"
#include "agent/base/private_file.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t size_limit = 16 * 1024 * 1024;
constexpr int state_version = 1;

WallTime time_at(const WipingJson& json, const char* key) {
  return from_unix_ms(std::clamp<std::int64_t>(whole_number<std::int64_t>(json.at(key)), 0, std::int64_t{1} << 48U));
}

Milliseconds length_at(const WipingJson& json, const char* key) { return time_at(json, key).time_since_epoch(); }

LocalState parse(std::string_view text, WallTime now) {
  const WipingJson json = parse_wiping_json(text);
  if (whole_number<int>(json.at("v")) != state_version) throw Error("version other than 1");
  LocalState state;
  state.fence = whole_number<std::uint64_t>(json.at("fence"));
  if (state.fence >= fence_limit(now)) state.fence = 0;
  if (const auto record = json.find("record"); record != json.end()) {
    state.record = to_local_time(decode_record(*record), Milliseconds{0}, now);
  }
  if (const auto pause = json.find("pause"); pause != json.end()) {
    state.pause = LocalState::StoredPause{time_at(*pause, "set_at_ms"), time_at(*pause, "until_ms"),
                                          std::string(pause->at("reason").get_ref<const WipingText&>()),
                                          pause->value("request", std::string{})};
  }
  if (const auto fetches = json.find("fetches"); fetches != json.end()) {
    state.fetches.last = time_at(*fetches, "last_ms");
    state.fetches.began_at = time_at(*fetches, "window_start_ms");
    state.fetches.calls = whole_number<std::uint64_t>(fetches->at("calls"));
    if (fetches->contains("window_ms")) state.fetches.length = length_at(*fetches, "window_ms");
  }
  return state;
}

SecretString serialise(const LocalState& state) {
  WipingJson json{{"v", state_version}, {"fence", state.fence}};
  if (state.record) json["record"] = parse_wiping_json(encode_record(*state.record).reveal());
  if (state.pause) {
    json["pause"] = {{"set_at_ms", to_unix_ms(state.pause->set_at)},
                     {"until_ms", to_unix_ms(state.pause->until)},
                     {"reason", state.pause->reason},
                     {"request", state.pause->request}};
  }
  if (state.fetches.last && state.fetches.began_at) {
    json["fetches"] = {{"last_ms", to_unix_ms(*state.fetches.last)},
                       {"window_start_ms", to_unix_ms(*state.fetches.began_at)},
                       {"calls", state.fetches.calls},
                       {"window_ms", state.fetches.length.count()}};
  }
  return json_text(json);
}

}  // namespace

FetchWindow::Decision FetchWindow::admit(WallTime now, const FetchLimits& limits) {
  if (last) last = std::min(*last, now);
  WallTime start = std::min(began_at.value_or(now), now);
  std::uint64_t used = calls;
  if (now - start >= to_ms(limits.budget_window)) {
    start = now;
    used = 0;
  }

  const Milliseconds min_interval = to_ms(limits.min_interval);
  if (last && now - *last < min_interval) return {FetchRefusal::min_interval, *last + min_interval - now};
  if (limits.budget > 0 && used >= limits.budget) {
    return {FetchRefusal::budget, start + to_ms(limits.budget_window) - now};
  }
  last = now;
  began_at = start;
  calls = used + 1;
  length = to_ms(limits.budget_window);
  return {};
}

std::optional<WallTime> FetchWindow::ends_at() const {
  if (!began_at || length == Milliseconds{0}) return std::nullopt;
  return *began_at + length;
}

std::uint64_t FetchWindow::calls_at(WallTime now) const {
  const auto end = ends_at();
  return end && *end <= now ? 0 : calls;
}

Milliseconds LocalState::StoredPause::remaining(WallTime now) const {
  return std::clamp(until - now, Milliseconds{0}, std::clamp(until - set_at, Milliseconds{0}, longest_hold));
}

bool LocalState::put_back(WallTime now) {
  bool changed = false;
  const auto limit = [&](WallTime& time) {
    if (time <= now) return;
    time = now;
    changed = true;
  };
  if (fetches.last) limit(*fetches.last);
  if (fetches.began_at) limit(*fetches.began_at);
  if (pause && pause->set_at > now) {
    pause->until = now + (pause->until - pause->set_at);
    limit(pause->set_at);
  }
  return changed;
}

LocalState load_local_state(const std::filesystem::path& file, WallTime now) {
  const auto text = read_private_file(file, size_limit);  // a longer one is not an agent's, and is not JSON
  if (!text) return {};

  std::string trouble;
  try {
    return parse(text->reveal(), now);
  } catch (const WipingJson::exception& e) {
    trouble = e.id < 200 ? "it is not JSON" : "a member is missing or has another type";  // e.what() may quote a token
  } catch (const Error& e) {
    trouble = e.what();
  }
  // The file is not kept for inspection: it may contain a token in the clear, and no component would remove it when the
  // token expires.
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  log::warning(log::local_state_lost,
               "the state of the local coordinator cannot be read and is removed; starting afresh",
               {{"file", file.string()}, {"error", trouble}});
  return {};
}

void save_local_state(const std::filesystem::path& file, const LocalState& state) {
  replace_private_file(file, serialise(state), Durability::process);
}

}  // namespace jeton::agent
