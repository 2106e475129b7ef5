// RequestScope: the values of the references in one request: its time, its nonces, its named values, and the parts
// of the request itself that a signature is made over. One for each request; reads files and environment when asked.
//
// A value and a part are made at their first use, and are the same from then on. The resolver remembers those that must
// never be shown: every secret, and every result of a function of a secret. One thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/http/url.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {

// The inputs of a request beside the configuration.
struct RequestTerms {
  const TokenValues& tokens;
  Random& random;
  WallTime now;
};

// For a fingerprint, which covers the parts that are the same in every request: every nonce is the same.
class NoRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), std::byte{0}); }
};

class RequestScope final : public TokenValues {
 public:
  // `config`: the request whose values and parts may be referred to; null: none may. All outlive the scope.
  explicit RequestScope(const RequestTerms& terms, const HttpRequestConfig* config = nullptr)
      : terms_(terms), config_(config), resolver_(*this) {}

  // All throw Error, without any secret, for a reference that cannot be resolved.
  // All parameters of the query and the fields of the form.
  [[nodiscard]] Parameters query() const { return parameters(config_->query, {}); }
  [[nodiscard]] Parameters form() const { return parameters(config_->form, {}); }
  // The body if it is not a form; empty if there is none.
  [[nodiscard]] SecretString body() const;
  // The URL as it is configured, with its references resolved.
  [[nodiscard]] const SecretString& url() const;
  // The named values that the request was made of, in their order.
  [[nodiscard]] std::vector<std::pair<std::string, SecretString>> used_values() const;
  [[nodiscard]] SecretResolver& resolver() const { return resolver_; }

  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    return terms_.tokens.token_value(name);
  }
  [[nodiscard]] std::optional<SecretString> request_value(const SecretPart& part) const override;

 private:
  [[nodiscard]] const SecretString& once(const SecretTemplate& text, std::string_view name) const;
  // The parameters without those that are made of `part` of the request.
  [[nodiscard]] Parameters parameters(const ParameterTemplates& fields, std::string_view part) const;
  [[nodiscard]] std::optional<SecretString> named_value(const std::string& name) const;
  [[nodiscard]] SecretString part(const std::string& name) const;
  [[nodiscard]] SecretString make_part(const std::string& name) const;

  const RequestTerms terms_;
  const HttpRequestConfig* config_;
  // References are resolved by const functions, which keep the results.
  mutable SecretResolver resolver_;
  mutable std::map<const SecretTemplate*, SecretString> resolved_;
  mutable std::optional<SecretString> json_;
  mutable std::map<std::string, SecretString> values_;
  mutable std::map<std::string, std::optional<SecretString>> parts_;  // nothing: it is being made
};

}  // namespace jeton::agent
