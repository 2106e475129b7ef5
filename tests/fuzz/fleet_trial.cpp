#include "tests/fuzz/fleet_trial.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "agent/api/tokens/token_json.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/local/local_state.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record_check.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;

const WallTime time_here = from_unix_ms(1'790'000'000'000);
constexpr Milliseconds offset{1500};  // of the coordinator's clock
const std::string token_name = "demo";

const FleetCodec& plain_codec() {
  static const FleetCodec codec;
  return codec;
}

const FleetCodec& sealing_codec() {
  static const FleetCodec codec(std::make_shared<const Seal>(std::vector{Seal::new_key()}));
  return codec;
}

std::string record_complaint(const Record& record) {
  const auto in_range = [](WallTime time) {
    return time >= WallTime{} - offset && time <= time_here + max_lifetime + std::chrono::hours{48};
  };
  if (record.generation == 0 || record.generation >= fence_limit(time_here + offset))
    return "a generation out of range";
  if (!in_range(record.issued_at) || !in_range(record.expires_at)) return "a time of a record out of range";
  if (fault_of_value(record.value.reveal())) return "a token that no header can hold";
  if (!is_token_type(record.type)) return "a type that is no word";
  if (!record.previous) return {};
  if (!in_range(record.previous->accept_until)) return "an overlap out of range";
  return fault_of_value(record.previous->value.reveal()) ? "a previous token that no header can hold" : "";
}

// A message that the agent logs: of one line, and without the token, which has this value in the whole corpus.
constexpr std::string_view token_of_the_corpus = "tok-abc";

std::string error_complaint(const Error& error) {
  const std::string_view what = error.what();
  if (what.size() > 512) return "a message of " + std::to_string(what.size()) + " bytes";
  if (std::any_of(what.begin(), what.end(), [](char c) { return c >= 0 && c < ' '; })) {
    return "a message with a control character";
  }
  return what.find(token_of_the_corpus) == std::string_view::npos ? "" : "a message that shows the token";
}

std::string ttl_complaint(Milliseconds ttl) {
  return ttl < Milliseconds{0} || ttl > longest_hold ? "a TTL out of range" : "";
}

std::string message_complaint(std::string_view text, const FleetCodec& codec) {
  static_cast<void>(is_publication(text));
  const ChannelMessage message = decode_message(text, token_name, codec);
  if (const auto* record = std::get_if<Record>(&message)) {
    return record_complaint(to_local_time(*record, offset, time_here));
  }
  if (const auto* claim = std::get_if<ClaimMessage>(&message)) return ttl_complaint(claim->ttl);
  if (const auto* pause = std::get_if<PauseMessage>(&message)) return ttl_complaint(pause->ttl);
  if (const auto* usage = std::get_if<UsageMessage>(&message)) return ttl_complaint(usage->ttl);
  return {};
}

// Nobody without the key can say anything to a fleet that seals.
std::string stranger_complaint(std::string_view text) {
  const ChannelMessage message = decode_message(text, token_name, sealing_codec());
  return std::holds_alternative<UnknownMessage>(message) ? "" : "a message without a signature was taken";
}

std::string stored_complaint(std::string_view text) {
  return record_complaint(to_local_time(plain_codec().decode(token_name, text), offset, time_here));
}

// What the plain reader takes goes through the seal and back.
std::string sealed_complaint(std::string_view text) {
  const Record record = to_local_time(plain_codec().decode(token_name, text), Milliseconds{0}, time_here);
  const SecretString sealed = sealing_codec().encode(token_name, record);
  return record_complaint(to_local_time(sealing_codec().decode(token_name, sealed.reveal()), offset, time_here));
}

// A file that cannot be read is set aside, with a warning each time.
std::string state_complaint(std::string_view text) {
  static const test::TempDir dir;
  log::set_level(log::Level::error);
  const auto file = dir / "state.json";
  dir.write("state.json", std::string(text));
  const LocalState state = load_local_state(file, time_here);
  if (state.fence >= fence_limit(time_here)) return "a fence out of range";
  if (state.pause) return ttl_complaint(state.pause->remaining(time_here));
  return state.record ? record_complaint(*state.record) : "";
}

std::string complaint_of(char reader, std::string_view text) {
  switch (reader) {
    case 0:
      return message_complaint(text, plain_codec());
    case 1:
      return stranger_complaint(text);
    case 2:
      return message_complaint(sealing_codec().sign(token_name, std::string(text)), sealing_codec());
    case 3:
      return stored_complaint(text);
    case 4:
      return sealed_complaint(text);
    case 5:
      return state_complaint(text);
    default:
      static_cast<void>(generation_in(std::string(text)));
      return {};
  }
}

}  // namespace

std::string try_fleet_text(std::string_view input) {
  if (input.empty()) return {};
  const std::string_view text = input.substr(1);
  try {
    return complaint_of(static_cast<char>(static_cast<unsigned char>(input[0]) % readers_of_the_fleet), text);
  } catch (const Error& e) {
    return error_complaint(e);
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
