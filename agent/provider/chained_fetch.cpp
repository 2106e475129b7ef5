#include "agent/provider/chained_fetch.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/provider/answer.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

// A provider may have a code of its own for a refused refresh token, or none. An error about the client, the grant or
// the URL is not about the refresh token.
bool may_be_of_refresh_token(const SourceError& refusal) {
  constexpr std::array<std::string_view, 5> of_others{"invalid_client", "unauthorized_client", "unsupported_grant_type",
                                                      "invalid_scope", "invalid_target"};
  const int status = refusal.status();
  const bool leads_elsewhere = (status >= 300 && status < 400) || status == 405;
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

}  // namespace

SecretString resolved(const SecretTemplate& configured, const TokenValues& tokens) {
  try {
    return configured.resolve(&tokens);
  } catch (const Error& e) {
    throw unmade_request(e);
  }
}

Task<FetchedToken> fetch_by_chain(FetchContext context, const SecretTemplate& configured, const TokenValues& tokens,
                                  AskWithToken ask) {
  const std::string place = place_of(configured, "source.refresh_token");
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
    }
  }
  throw with_remedy(*refused, place);
}

}  // namespace jeton::agent
