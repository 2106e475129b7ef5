#include "agent/provider/refresh_chain.hpp"

#include "agent/record/wiping_json.hpp"

namespace jeton::agent {
namespace {

constexpr int state_version = 1;

// Nothing if it is missing or not a text.
std::optional<SecretString> member_of(const WipingJson& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  SecretString text{std::string_view(found->get_ref<const WipingJson::string_t&>())};
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

RefreshChain::RefreshChain(const SecretString& state, const SecretString& configured)
    : configured_(configured), current_(configured) {
  const WipingJson json = try_parse_wiping_json(state.reveal());
  if (!json.is_object()) return;
  const auto version = json.find("v");
  if (version == json.end() || *version != state_version) return;
  const auto descends_from = member_of(json, "configured");
  if (!descends_from || descends_from->reveal() != configured.fingerprint()) return;
  auto current = member_of(json, "current");
  if (!current) return;
  current_ = std::move(*current);
  previous_ = member_of(json, "previous");
  const auto spent = json.find("spent");
  spent_ = spent != json.end() && spent->is_boolean() && spent->get<bool>();
}

std::vector<SecretString> RefreshChain::candidates() const {
  std::vector<SecretString> all{current_};
  if (previous_ && !(*previous_ == current_)) all.push_back(*previous_);
  // The configured token is not a candidate beside them: a chain that descends from it has used it.
  return all;
}

SecretString RefreshChain::as_spent() const {
  WipingJson json{{"v", state_version}, {"configured", configured_.fingerprint()}, {"spent", true}};
  json["current"] = current_.reveal();
  if (previous_) json["previous"] = previous_->reveal();
  return json_text(json);
}

SecretString RefreshChain::after(const SecretString& used, const std::optional<SecretString>& next) const {
  WipingJson json{{"v", state_version}, {"configured", configured_.fingerprint()}};
  json["current"] = (next ? *next : used).reveal();
  if (next && !(*next == used)) json["previous"] = used.reveal();
  return json_text(json);
}

}  // namespace jeton::agent
