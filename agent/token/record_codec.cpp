#include "agent/token/record_codec.hpp"

#include "agent/base/error.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {
namespace {

constexpr int record_version = 1;

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
  if (record.first_generation != 0) json["first_generation"] = record.first_generation;
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
    if (json.at("v").get<int>() != record_version) throw Error("record has a version other than 1");
    Record record;
    record.generation = json.at("generation").get<Generation>();
    record.first_generation = json.value("first_generation", Generation{0});
    record.value = SecretString(json.at("value").get_ref<const WipingJson::string_t&>());
    record.type = json.value("type", "");
    record.attributes = json.value("attributes", Attributes{});
    record.issued_at = from_unix_ms(json.at("issued_at_ms").get<std::int64_t>());
    record.expires_at = from_unix_ms(json.at("expires_at_ms").get<std::int64_t>());
    record.fetched_by = json.value("fetched_by", "");
    record.rejections = json.value("rejections", std::uint32_t{0});
    if (const auto state = json.find("state"); state != json.end()) {
      record.state = SecretString(state->get_ref<const WipingJson::string_t&>());
    }
    if (const auto previous = json.find("previous"); previous != json.end() && !previous->is_null()) {
      record.previous = PreviousToken{SecretString(previous->at("value").get_ref<const WipingJson::string_t&>()),
                                      previous->at("generation").get<Generation>(),
                                      from_unix_ms(previous->at("accept_until_ms").get<std::int64_t>()),
                                      from_unix_ms(previous->value("expires_at_ms", std::int64_t{0}))};
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
