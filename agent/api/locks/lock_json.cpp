#include "agent/api/locks/lock_json.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

constexpr std::uint64_t longest_ms = 366ULL * 24 * 3600 * 1000;
// In the order of LockEvent.
constexpr std::array event_names{"waiting", "acquired", "renewed",  "not_renewed", "lost",
                                 "busy",    "failed",   "released", "heartbeat"};

std::string text_of(const OrderedJson& json) { return json_text(json) + "\n"; }

// Owner ids and metadata are shown and logged, so they must be printable.
bool is_short_and_plain(const OrderedJson& json, std::size_t longest) {
  if (!json.is_string()) return false;
  const auto& text = json.get_ref<const std::string&>();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return text.size() <= longest && std::none_of(text.begin(), text.end(), is_control);
}

// The members of a body; null counts as missing.
class BodyReader {
 public:
  explicit BodyReader(const std::string& text) : json_(try_parse_ordered_json(text.empty() ? "{}" : text)) {
    if (!json_.is_object()) throw Error("the body must be a JSON object");
  }

  [[nodiscard]] std::optional<Milliseconds> milliseconds(const char* key) const {
    const OrderedJson* value = find(key);
    if (value == nullptr) return std::nullopt;
    check(value->is_number_unsigned() && value->get<std::uint64_t>() <= longest_ms, key,
          "a whole number of milliseconds, at most a year");
    return Milliseconds{value->get<std::int64_t>()};
  }
  [[nodiscard]] std::string text(const char* key, std::size_t longest) const {
    const OrderedJson* value = find(key);
    if (value == nullptr) return {};
    check(is_short_and_plain(*value, longest), key,
          "text of at most " + std::to_string(longest) + " bytes without control characters");
    return value->get<std::string>();
  }
  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    const OrderedJson* value = find(key);
    if (value == nullptr) return {};
    const auto is_text = [](const OrderedJson& item) { return item.is_string(); };
    check(value->is_array() && std::all_of(value->begin(), value->end(), is_text), key, "a list of names");
    return value->get<std::vector<std::string>>();
  }
  [[nodiscard]] std::map<std::string, std::string> text_by_name(const char* key, std::size_t longest) const {
    const OrderedJson* value = find(key);
    if (value == nullptr) return {};
    const auto is_owner_id = [&](const OrderedJson& item) { return is_short_and_plain(item, longest); };
    check(value->is_object() && std::all_of(value->begin(), value->end(), is_owner_id), key,
          "an object of names and owner ids");
    return value->get<std::map<std::string, std::string>>();
  }
  void check_members(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : json_.items()) {
      const bool is_known = std::find(known.begin(), known.end(), key) != known.end();
      if (!is_known) throw Error("'" + key + "' is not a known member of the body");
    }
  }

 private:
  static void check(bool is_right, const char* key, const std::string& rule) {
    if (!is_right) throw Error(std::string(key) + " must be " + rule);
  }
  [[nodiscard]] const OrderedJson* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  OrderedJson json_;
};

void add_validity(OrderedJson& json, const LockSession& session) {
  json["ttl_ms"] = to_ms(session.held().front().lease.ttl).count();
  json["valid_until_boot_ms"] = to_boot_ms(session.valid_until());
}

void add_grant(OrderedJson& json, const LockSession& session) {
  const HeldLock* asked_for = session.find(session.request().name);
  json["name"] = asked_for->id.name;
  json["owner"] = asked_for->lease.owner;
  json["fence"] = asked_for->lease.fence;
  add_validity(json, session);
  if (session.request().outlives_agent) json["outlives_agent"] = true;
  if (session.held().size() == 1) return;
  for (const HeldLock& lock : session.held()) {
    json["locks"].push_back({{"name", lock.id.name}, {"owner", lock.lease.owner}, {"fence", lock.lease.fence}});
  }
}

// Members whose names begin with `prefix`; an unknown value is null.
void add_note(OrderedJson& json, const std::string& prefix, const LockNote& note) {
  for (const char* key : {"by", "host", "uid", "pid", "held_ms"}) json[prefix + key] = nullptr;
  if (note.by) {
    json[prefix + "by"] = lock_holder_text(*note.by);
    json[prefix + "host"] = note.by->host;
    json[prefix + "uid"] = note.by->uid;
    json[prefix + "pid"] = note.by->pid;
  }
  if (note.age) json[prefix + "held_ms"] = note.age->count();
}

std::string busy_reason(const LockSession& session) {
  const LockTry& busy = session.busy();
  const bool one = session.request().locks.size() == 1;
  const std::string which = one ? "it" : "lock '" + session.busy_name() + "'";
  if (busy.holder.empty()) return "another owner holds " + which + ", or earlier requests wait for it";
  return which + " is held by " + holder_text(busy.note, busy.holder);
}

void add_holder(OrderedJson& json, const LockSession& session, BootTime now) {
  const LockTry& busy = session.busy();
  const bool may_see = session.request().is_admin || is_same_user(busy.note.by, session.request().acquire.note.by);
  json["holder"] =
      busy.holder.empty() ? OrderedJson() : OrderedJson(may_see ? busy.holder : short_owner_id(busy.holder));
  json["holder_ttl_ms"] = std::max<std::int64_t>(0, to_ms(busy.busy_until - now).count());
  add_note(json, "holder_", busy.note);
  if (!busy.trouble.empty()) json["trouble"] = busy.trouble;
}

}  // namespace

LockRequest lock_request(const std::string& name, const std::string& body) {
  const BodyReader reader(body);
  reader.check_members({"ttl_ms", "wait_ms", "retry_ms", "owner", "metadata", "names", "owners"});
  LockRequest request;
  request.name = name;
  request.locks.push_back(LockId{name});
  for (std::string& other : reader.texts("names")) request.locks.push_back(LockId{std::move(other)});
  request.resumed = reader.text_by_name("owners", 64);
  const auto ttl = reader.milliseconds("ttl_ms");
  request.acquire.ttl = ttl ? Duration{*ttl} : no_ttl;
  request.acquire.owner = reader.text("owner", 64);
  request.acquire.note.metadata = reader.text("metadata", 512);
  request.wait = reader.milliseconds("wait_ms").value_or(Milliseconds{0});
  request.retry = reader.milliseconds("retry_ms");
  return request;
}

std::string lock_event(LockEvent event, const LockSession& session, BootTime now) {
  OrderedJson json{{"event", event_names.at(static_cast<std::size_t>(event))}};
  switch (event) {
    case LockEvent::acquired:
      add_grant(json, session);
      break;
    case LockEvent::renewed:
      add_validity(json, session);
      break;
    case LockEvent::not_renewed:
      json["reason"] = session.trouble();
      break;
    case LockEvent::lost:
      json["name"] = session.lost_name().empty() ? session.request().name : session.lost_name();
      json["reason"] = session.reason();
      break;
    case LockEvent::failed:
      json["name"] = session.request().name;
      json["reason"] = session.reason();
      break;
    case LockEvent::waiting:
    case LockEvent::busy:
      json["name"] = session.busy_name();
      json["reason"] = busy_reason(session);
      add_holder(json, session, now);
      break;
    case LockEvent::released:
    case LockEvent::heartbeat:
      break;
  }
  return text_of(json);
}

std::string lock_list_json(const std::vector<std::string>& names) {
  OrderedJson json;
  json["locks"] = names;
  return text_of(json);
}

std::string lock_json(const std::string& name, const Lease& lease) {
  OrderedJson json{{"name", name}, {"owner", lease.owner}};
  if (lease.fence != 0) json["fence"] = lease.fence;
  json["ttl_ms"] = to_ms(lease.ttl).count();
  return text_of(json);
}

std::string lock_view_json(const std::string& name, const LockView& view, bool with_owner) {
  OrderedJson json{{"name", name}, {"held", view.held}};
  for (const char* key : {"owner", "ttl_ms", "fence", "by", "metadata"}) json[key] = nullptr;
  add_note(json, "", view.held ? view.note : LockNote{});
  if (view.held) {
    json["owner"] = with_owner ? view.owner : short_owner_id(view.owner);
    if (view.ttl) json["ttl_ms"] = view.ttl->count();
    if (view.fence != 0) json["fence"] = view.fence;
    if (!view.note.metadata.empty()) json["metadata"] = view.note.metadata;
  }
  return text_of(json);
}

std::string lock_busy_json(const LockSession& session, BootTime now) {
  OrderedJson json{{"error", {{"code", "busy"}, {"message", busy_reason(session)}}}, {"name", session.busy_name()}};
  add_holder(json, session, now);
  return text_of(json);
}

}  // namespace jeton::agent
