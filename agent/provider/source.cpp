#include "agent/provider/source.hpp"

namespace jeton::agent {

SourceError unmade_request(const Error& why) {
  return {SourceError::Kind::transient, std::string("the request cannot be made: ") + why.what()};
}

void check_token(const FetchedToken& token, const std::string& name, std::size_t capacity, WallTime now) {
  if (token.value.size() > capacity) {
    throw SourceError(SourceError::Kind::permanent, "token of " + std::to_string(token.value.size()) +
                                                        " bytes exceeds capacity " + std::to_string(capacity) +
                                                        "; raise tokens." + name + ".capacity");
  }
  if (token.expires_at <= now) {
    throw SourceError(SourceError::Kind::transient, "the token expired before the provider's answer was complete");
  }
}

}  // namespace jeton::agent
