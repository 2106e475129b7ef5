#include "agent/source/source.hpp"

namespace jeton::agent {

Task<> Source::revoke(SecretString /*token*/) {
  throw SourceError(SourceError::Kind::permanent, describe() + " has no way to revoke a token");
  co_return;
}

}  // namespace jeton::agent
