// SourceFingerprint: Source::fingerprint(), put together: the request, and what else an operator corrects after a
// failure that needs one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/request_config.hpp"

namespace jeton::agent {

class SourceFingerprint {
 public:
  explicit SourceFingerprint(std::string_view type) { add(type); }

  // With its length, so that no two lists of texts are alike.
  void add(std::string_view text);
  // The client certificate and its key, and whether redirects are followed. Throws Error if a file cannot be read.
  void add(const EgressConfig& egress);
  // How the answer is read: its places, the meaning of its errors, and the room for a token (tokens.NAME.capacity).
  void add(const ResponseConfig& response, std::size_t capacity);

  // A short SHA-256, so it reveals no secret.
  [[nodiscard]] std::string text() const { return all_.fingerprint(); }

 private:
  SecretString all_;
};

}  // namespace jeton::agent
