#include "agent/record/fleet_codec.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/record/record_codec.hpp"
#include "agent/record/wiping_json.hpp"

namespace jeton::agent {
namespace {

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

}  // namespace

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
