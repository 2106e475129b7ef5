#include "agent/fleet/channel_message.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

std::string text_of(const WipingJson& json, const char* key) {
  return std::string(std::string_view(json.at(key).get_ref<const WipingJson::string_t&>()));
}

Milliseconds ttl_of(const WipingJson& json) {
  return std::clamp(Milliseconds{whole_number<std::int64_t>(json.at("ttl_ms"))}, Milliseconds{0}, longest_hold);
}

// The beginning of a publication, as the publish script writes it.
constexpr std::string_view publication = R"({"type":"record",)";
// In bytes: of all messages but a publication, and of a reason, which must fit into one whatever has to be escaped in
// it.
constexpr std::size_t longest_message = 16 * 1024;
constexpr std::size_t longest_reason = 1024;

// A claim and a release are made for every lock that is taken, so they are written without a document of JSON.
bool needs_no_escape(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

bool is_publication(std::string_view text) { return text.starts_with(publication); }

std::string encode_message(const ClaimMessage& message) {
  if (needs_no_escape(message.owner)) {
    return R"({"owner":")" + message.owner + R"(","ttl_ms":)" + std::to_string(message.ttl.count()) +
           R"(,"type":"claim"})";
  }
  return json_text(Json{{"type", "claim"}, {"owner", message.owner}, {"ttl_ms", message.ttl.count()}});
}

std::string encode_message(const ReleaseMessage& message) {
  if (needs_no_escape(message.owner)) return R"({"owner":")" + message.owner + R"(","type":"release"})";
  return json_text(Json{{"type", "release"}, {"owner", message.owner}});
}

std::string encode_message(const PauseMessage& message) {
  return json_text(Json{{"type", "pause"},
                        {"ttl_ms", message.ttl.count()},
                        {"reason", message.reason.substr(0, longest_reason)},
                        {"request", message.request}});
}

std::string encode_message(const ResumeMessage& message) {
  Json json{{"type", "resume"}};
  if (message.reason == ResumeReason::operator_asked) json["operator"] = true;
  return json_text(json);
}

std::string encode_message(const RejectedMessage& message) {
  return json_text(Json{{"type", "rejected"}, {"generation", message.generation}});
}

ChannelMessage decode_message(std::string_view text, const std::string& name, const FleetCodec& codec) {
  if (text.size() > longest_message && !is_publication(text)) {
    throw Error("message is longer than any message of an agent");
  }
  try {
    const WipingJson json = parse_wiping_json(text);
    const std::string type = text_of(json, "type");
    if (type == "record") return codec.decode(name, json.at("record"));
    if (type == "signed") return decode_message(codec.verified(name, json), name, FleetCodec());
    if (codec.seals()) return UnknownMessage{};
    if (type == "claim") return ClaimMessage{text_of(json, "owner"), ttl_of(json)};
    if (type == "release") return ReleaseMessage{json.contains("owner") ? text_of(json, "owner") : std::string{}};
    if (type == "pause") {
      return PauseMessage{ttl_of(json), text_of(json, "reason"),
                          json.contains("request") ? text_of(json, "request") : std::string{}};
    }
    if (type == "resume") {
      const bool by_operator = json.contains("operator") && json.at("operator").get<bool>();
      return ResumeMessage{by_operator ? ResumeReason::operator_asked : ResumeReason::request_differs};
    }
    if (type == "usage") return UsageMessage{whole_number<std::uint64_t>(json.at("calls")), ttl_of(json)};
    if (type == "rejected") return RejectedMessage{whole_number<Generation>(json.at("generation"))};
    return UnknownMessage{};
  } catch (const WipingJson::exception& e) {
    // e.what() may quote the text, which may hold a token.
    throw Error(e.id < 200 ? "message is not JSON" : "message lacks a member, or has one of another type");
  }
}

Record to_local_time(Record record, Milliseconds offset, WallTime now) {
  check_record(record, now + offset);
  shift_times(record, -offset);
  return record;
}

}  // namespace jeton::agent
