#include "agent/record/fleet_codec.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "libclient/layout/boot_clock.hpp"

namespace jeton::agent {
namespace {

constexpr int record_version = 1;

WallTime time_at(const WipingJson& json, const char* key) {
  return from_unix_ms(whole_number<std::int64_t>(json.at(key)));
}

// Names the boot clock of this process; empty: it is not known.
const std::string& boot_clock_name() {
  static const std::string name = [] {
    const layout::BootClock clock = layout::own_boot_clock();
    std::string text;
    bool known = false;
    for (const std::uint8_t byte : clock.boot_id) {
      constexpr char digits[] = "0123456789abcdef";
      text += digits[byte >> 4U];
      text += digits[byte & 15U];
      known = known || byte != 0;
    }
    return known ? text + "-" + std::to_string(clock.time_namespace) : std::string();
  }();
  return name;
}

void put_boot_ends(WipingJson& json, const Record& record) {
  const std::string& clock = boot_clock_name();
  if (clock.empty() || record.expires_boot == no_boot_end) return;
  WipingJson ends{{"clock", clock}, {"expires_ms", to_boot_ms(record.expires_boot)}};
  if (record.previous && record.previous->accept_until_boot != no_boot_end) {
    ends["previous_accept_until_ms"] = to_boot_ms(record.previous->accept_until_boot);
  }
  json["boot"] = std::move(ends);
}

// Times of another boot have no meaning here.
void take_boot_ends(const WipingJson& json, Record& record) {
  const auto ends = json.find("boot");
  if (ends == json.end()) return;
  const WipingText& clock = ends->at("clock").get_ref<const WipingText&>();
  if (boot_clock_name().empty() || std::string_view(clock) != boot_clock_name()) return;
  record.expires_boot = from_boot_ms(whole_number<std::int64_t>(ends->at("expires_ms")));
  const auto previous = ends->find("previous_accept_until_ms");
  if (record.previous && previous != ends->end()) {
    record.previous->accept_until_boot = from_boot_ms(whole_number<std::int64_t>(*previous));
  }
}

constexpr int sealed_version = 1;

Json json_of(const SealedBox& sealed) { return {{"key", sealed.key_id}, {"nonce", sealed.nonce}, {"box", sealed.box}}; }

std::string text_at(const WipingJson& json, const char* key) {
  return std::string(std::string_view(json.at(key).get_ref<const WipingText&>()));
}

SealedBox box_of(const WipingJson& sealed) {
  return {text_at(sealed, "key"), text_at(sealed, "nonce"), text_at(sealed, "box")};
}

// No token has a blank in its name, so that no record can be passed off as bytes.
SealedFor bytes_of(const std::string& name, std::uint64_t number) { return {name + " bytes", number, 0}; }

std::pair<SealedFor, SealedBox> parse_envelope(const std::string& name, const WipingJson& json) {
  try {
    if (whole_number<int>(json.at("v")) != sealed_version) throw Error("record has a version other than 1");
    if (!json.contains("sealed")) {
      throw Error("record is not sealed, but this host seals (coordination.seal); does every host have the key?");
    }
    SealedFor what{name, whole_number<std::uint64_t>(json.at("generation")),
                   whole_number<std::int64_t>(json.at("expires_at_ms"))};
    return {std::move(what), box_of(json.at("sealed"))};
  } catch (const WipingJson::exception&) {
    throw Error("sealed record lacks a member, or has one of another type");
  }
}

WipingJson parse_record(std::string_view text) {
  WipingJson json = try_parse_wiping_json(text);
  if (json.is_discarded()) throw Error("record is not JSON");
  return json;
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
  if (record.first_generation != 0) json["first_generation"] = record.first_generation;
  if (record.rejections != 0) json["rejections"] = record.rejections;
  if (record.state_only) json["state_only"] = true;
  if (!record.state.empty()) json["state"] = record.state.reveal();
  if (record.previous) {
    json["previous"] = {{"value", record.previous->value.reveal()},
                        {"generation", record.previous->generation},
                        {"accept_until_ms", to_unix_ms(record.previous->accept_until)}};
    if (record.previous->expires_at != WallTime{}) {
      json["previous"]["expires_at_ms"] = to_unix_ms(record.previous->expires_at);
    }
  }
  put_boot_ends(json, record);
  return json_text(json);
}

Record decode_record(std::string_view text) { return decode_record(parse_record(text)); }

Record decode_record(const WipingJson& json) {
  try {
    if (whole_number<int>(json.at("v")) != record_version) throw Error("record has a version other than 1");
    Record record;
    record.generation = whole_number<Generation>(json.at("generation"));
    if (json.contains("first_generation"))
      record.first_generation = whole_number<Generation>(json.at("first_generation"));
    record.value = SecretString(json.at("value").get_ref<const WipingJson::string_t&>());
    record.type = json.value("type", "");
    record.attributes = json.value("attributes", Attributes{});
    record.issued_at = time_at(json, "issued_at_ms");
    record.expires_at = time_at(json, "expires_at_ms");
    record.fetched_by = json.value("fetched_by", "");
    if (json.contains("rejections")) record.rejections = whole_number<std::uint32_t>(json.at("rejections"));
    record.state_only = json.value("state_only", false);
    if (const auto state = json.find("state"); state != json.end()) {
      record.state = SecretString(state->get_ref<const WipingJson::string_t&>());
    }
    if (const auto previous = json.find("previous"); previous != json.end() && !previous->is_null()) {
      record.previous =
          PreviousToken{SecretString(previous->at("value").get_ref<const WipingJson::string_t&>()),
                        whole_number<Generation>(previous->at("generation")), time_at(*previous, "accept_until_ms"),
                        previous->contains("expires_at_ms") ? time_at(*previous, "expires_at_ms") : WallTime{}};
    }
    take_boot_ends(json, record);
    if (record.generation == 0) throw Error("record has generation 0");
    return record;
  } catch (const WipingJson::exception&) {
    // Its text may quote the record, which holds the token.
    throw Error("record lacks a member of version 1, or has one of another type");
  }
}

SecretString FleetCodec::encode(const std::string& name, const Record& record) const {
  SecretString plain = encode_record(record);
  if (!seal_) return plain;
  const SealedFor what{name, record.generation, to_unix_ms(record.expires_at)};
  const SealedBox sealed = seal_->seal(plain.reveal(), what);
  const Json json{{"v", sealed_version},
                  {"generation", what.generation},
                  {"expires_at_ms", what.expires_at_ms},
                  {"sealed", json_of(sealed)}};
  return SecretString(json_text(json));
}

SecretString FleetCodec::encode_bytes(const std::string& name, std::uint64_t number, std::string_view bytes) const {
  if (!seal_) return SecretString(bytes);
  return SecretString(json_text(Json{{"sealed", json_of(seal_->seal(bytes, bytes_of(name, number)))}}));
}

SecretString FleetCodec::decode_bytes(const std::string& name, std::uint64_t number, std::string_view text) const {
  if (!seal_) {
    if (!text.starts_with("{\"sealed\"")) return SecretString(text);
    throw Error("it is sealed, but this host has no key; set coordination.seal.key_files");
  }
  try {
    return seal_->open(box_of(parse_wiping_json(text).at("sealed")), bytes_of(name, number));
  } catch (const WipingJson::exception&) {
    throw Error("it is not in the sealed form of this host; the file is damaged, or this agent did not write it");
  }
}

Record FleetCodec::decode(const std::string& name, std::string_view text) const {
  return decode(name, parse_record(text));
}

Record FleetCodec::decode(const std::string& name, const WipingJson& json) const {
  if (!seal_) {
    if (json.contains("sealed") && !json.contains("value")) {
      throw Error("record is sealed, but this host has no key; set coordination.seal.key_files");
    }
    return decode_record(json);
  }
  const auto [what, box] = parse_envelope(name, json);
  const SecretString plain = seal_->open(box, what);
  Record record = decode_record(plain.reveal());
  if (record.generation != what.generation || to_unix_ms(record.expires_at) != what.expires_at_ms) {
    throw Error("sealed record does not match its envelope");
  }
  return record;
}

std::string FleetCodec::sign(const std::string& name, const std::string& message) const {
  if (!seal_) return message;
  const Seal::Signature signature = seal_->sign(message, name);
  return json_text(Json{{"type", "signed"}, {"key", signature.key_id}, {"mac", signature.mac}, {"message", message}});
}

std::string FleetCodec::verified(const std::string& name, const WipingJson& json) const {
  if (!seal_) throw Error("message is signed, but this host has no key; set coordination.seal.key_files");
  try {
    std::string message = text_at(json, "message");
    if (!seal_->has_signed({text_at(json, "key"), text_at(json, "mac")}, message, name)) {
      throw Error("message is not signed with a key of this fleet; check which clients publish on this channel");
    }
    return message;
  } catch (const WipingJson::exception&) {
    throw Error("signed message lacks a member, or has one of another type");
  }
}

}  // namespace jeton::agent
