#include "agent/provider/refresh_chain.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/json.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/answer/rotating_answer.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr int state_version = 1;

// Where an operator puts a new refresh token: the first reference in `configured`; for a literal, which is not shown,
// its key.
std::string place_of(const SecretTemplate& configured) {
  for (const SecretTemplate::Part& part : configured.parts()) {
    if (part.kind != SecretTemplate::Part::Kind::literal) return SecretTemplate::reference_text(part);
  }
  return "source.refresh_token";
}

// A provider may have a code of its own for a refused refresh token, or none. An error about the client, the grant or
// the URL is not about the refresh token; without a code 404 and 410 are about the URL.
bool may_be_of_refresh_token(const SourceError& refusal) {
  constexpr std::array<std::string_view, 5> of_others{"invalid_client", "unauthorized_client", "unsupported_grant_type",
                                                      "invalid_scope", "invalid_target"};
  const int status = refusal.status();
  const bool is_missing = refusal.code().empty() && (status == 404 || status == 410);
  const bool leads_elsewhere = (status >= 300 && status < 400) || status == 405 || is_missing;
  return refusal.kind() == Kind::permanent && status != 0 && !leads_elsewhere &&
         std::find(of_others.begin(), of_others.end(), refusal.code()) == of_others.end();
}

SourceError with_remedy(const SourceError& refusal, const std::string& place) {
  const char* const sure = refusal.code() == "invalid_grant" ? "; the" : "; if the";
  return refusal.reworded(std::string(refusal.what()) + sure +
                          " refresh token has expired, was revoked, or was used elsewhere: put a new one into " +
                          place);
}

SourceError waiting_for_a_person(const SourceError& failure, const std::string& place) {
  return failure.reworded(std::string(failure.what()) +
                          "; the new refresh token is not known and the previous one is spent, so nothing is sent "
                          "until a new one is in " +
                          place + ", or until jetonctl refresh asks for it");
}

// The failure of an earlier fetch, by this host or another, whose pause was lost.
SourceError earlier_answer() {
  SourceError failure(Kind::permanent, "an answer of the provider could not be read");
  failure.set_spent();
  return failure;
}

// The token, with the state after `presented`. Throws the answer's own SourceError if it is unusable; that has the
// state too, unless a new refresh token may be among the bytes that could not be read.
FetchedToken chained_token(RotatingAnswer answer, const RefreshChain& chain, const SecretString& presented) {
  if (answer.unusable && !answer.unusable->unread_answer().empty()) throw SourceError(*answer.unusable);
  SecretString next = chain.after(presented, answer.refresh_token);
  if (answer.unusable) {
    answer.unusable->set_state(std::move(next));
    throw SourceError(*answer.unusable);
  }
  answer.token.state = std::move(next);
  return std::move(answer.token);
}

}  // namespace

RefreshChain::RefreshChain(const SecretString& state, const SecretString& configured)
    : configured_(configured), current_(configured) {
  const WipingJson json = try_parse_wiping_json(state.reveal());
  if (!json.is_object()) return;
  const auto version = json.find("v");
  if (version == json.end() || *version != state_version) return;
  const std::string_view current = text_by_pointer(json, "/current");
  if (text_by_pointer(json, "/configured") != configured.fingerprint() || current.empty()) return;
  current_ = SecretString(current);
  const std::string_view previous = text_by_pointer(json, "/previous");
  if (!previous.empty()) previous_ = SecretString(previous);
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

SecretString resolved(const SecretTemplate& configured, const TokenValues& tokens) {
  try {
    return configured.resolve(&tokens);
  } catch (const Error& e) {
    throw unmade_request(e);
  }
}

Task<FetchedToken> fetch_by_chain(FetchContext context, const SecretTemplate& configured, const TokenValues& tokens,
                                  AskWithToken ask) {
  const std::string place = place_of(configured);
  const RefreshChain chain(context.state, resolved(configured, tokens));
  if (chain.spent() && !context.asked_for) throw waiting_for_a_person(earlier_answer(), place);
  const std::vector<SecretString> candidates = chain.candidates();
  std::optional<SourceError> refused;
  for (const SecretString& candidate : candidates) {
    try {
      RotatingAnswer answer = co_await ask(candidate);
      FetchedToken token = chained_token(std::move(answer), chain, candidate);
      co_return token;
    } catch (const SourceError& e) {
      if (e.spent()) {
        SourceError waiting = waiting_for_a_person(e, place);
        waiting.set_state(chain.as_spent());
        throw SourceError(waiting);
      }
      if (!may_be_of_refresh_token(e)) throw;
      if (!refused) refused = e;
      // The provider may not have seen the request. The one before, sent without need, would end the chain at a strict
      // one.
      if (dynamic_cast<const ForeignRefusal*>(&e) != nullptr) break;
    }
  }
  throw with_remedy(*refused, place);
}

}  // namespace jeton::agent
