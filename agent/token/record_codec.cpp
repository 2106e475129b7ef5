#include "agent/token/record_codec.hpp"

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {
namespace {

constexpr int record_version = 1;

WallTime time_at(const WipingJson& json, const char* key) {
  return from_unix_ms(whole_number<std::int64_t>(json.at(key)));
}

}  // namespace

SecretString encode_record(const Record& record) {
  WipingJson json{{"v", record_version},
                  {"generation", record.generation},
                  {"value", record.value.reveal()},
                  {"type", record.type},
                  {"attributes", record.attributes},
                  {"issued_at_ms", to_unix_ms(record.issued_at)},
                  {"expires_at_ms", to_unix_ms(record.expires_at)},
                  {"fetched_by", record.fetched_by}};
  if (record.rejections != 0) json["rejections"] = record.rejections;
  if (!record.state.empty()) json["state"] = record.state.reveal();
  if (record.previous) {
    json["previous"] = {{"value", record.previous->value.reveal()},
                        {"generation", record.previous->generation},
                        {"accept_until_ms", to_unix_ms(record.previous->accept_until)}};
    if (record.previous->expires_at != WallTime{}) {
      json["previous"]["expires_at_ms"] = to_unix_ms(record.previous->expires_at);
    }
  }
  return json_text(json);
}

Record decode_record(std::string_view text) {
  try {
    const WipingJson json = parse_wiping_json(text);
    if (whole_number<int>(json.at("v")) != record_version) throw Error("record has a version other than 1");
    Record record;
    record.generation = whole_number<Generation>(json.at("generation"));
    record.value = SecretString(json.at("value").get_ref<const WipingJson::string_t&>());
    record.type = json.value("type", "");
    record.attributes = json.value("attributes", Attributes{});
    record.issued_at = time_at(json, "issued_at_ms");
    record.expires_at = time_at(json, "expires_at_ms");
    record.fetched_by = json.value("fetched_by", "");
    if (json.contains("rejections")) record.rejections = whole_number<std::uint32_t>(json.at("rejections"));
    if (const auto state = json.find("state"); state != json.end()) {
      record.state = SecretString(state->get_ref<const WipingJson::string_t&>());
    }
    if (const auto previous = json.find("previous"); previous != json.end() && !previous->is_null()) {
      record.previous = PreviousToken{SecretString(previous->at("value").get_ref<const WipingJson::string_t&>()),
                                      whole_number<Generation>(previous->at("generation")),
                                      time_at(*previous, "accept_until_ms"),
                                      previous->contains("expires_at_ms") ? time_at(*previous, "expires_at_ms") : WallTime{}};
    }
    if (record.generation == 0) throw Error("record has generation 0");
    return record;
  } catch (const WipingJson::exception& e) {
    // e.what() may quote the text, which holds the token: only the kind of the failure is passed on.
    throw Error(e.id < 200 ? "record is not JSON" : "record lacks a member of version 1, or has one of another type");
  }
}

void shift_times(Record& record, Milliseconds offset) {
  record.issued_at += offset;
  record.expires_at += offset;
  if (!record.previous) return;
  record.previous->accept_until += offset;
  if (record.previous->expires_at != WallTime{}) record.previous->expires_at += offset;
}

}  // namespace jeton::agent
