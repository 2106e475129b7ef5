// Source: gets new tokens. One object for each token; fetch() is never called twice at the same time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/task.hpp"
#include "agent/record/record.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {

// The reason why a fetch failed. The message has no secret and says what to do.
class SourceError : public Error {
 public:
  // transient: network, 5xx, 429, an answer without a usable token: try again with backoff. permanent: the provider
  // refuses the request (4xx), or the configuration cannot work: long backoff, and an error for an operator.
  enum class Kind { transient, permanent };

  SourceError(Kind kind, const std::string& message, std::optional<Duration> retry_after = std::nullopt)
      : Error(message), kind_(kind), retry_after_(retry_after) {}
  [[nodiscard]] Kind kind() const { return kind_; }
  // The pause that the provider asked for by Retry-After; already capped.
  [[nodiscard]] std::optional<Duration> retry_after() const { return retry_after_; }
  void set_retry_after(std::optional<Duration> pause) { retry_after_ = pause; }
  // The values that response.error_rules can name: the provider's error code, without secrets (empty: there is none),
  // and the HTTP status or the exit status of a command (0: none).
  [[nodiscard]] const std::string& code() const { return code_; }
  [[nodiscard]] int status() const { return status_; }
  void set_refusal(std::string code, int status) {
    code_ = std::move(code);
    status_ = status;
  }
  // Source::fingerprint() of the request that failed; empty: it was not made, or is never the same.
  [[nodiscard]] const std::string& request() const { return request_; }
  // FetchedToken::state of an answer that cannot be used otherwise; empty: the former state still holds.
  [[nodiscard]] const SecretString& state() const { return state_; }
  void set_state(SecretString state) { state_ = std::move(state); }
  void set_request(std::string fingerprint) { request_ = std::move(fingerprint); }
  // The bytes of an answer that cannot be read and may have a new refresh token, for an operator. Empty: nothing is
  // lost.
  [[nodiscard]] const SecretString& unread_answer() const { return unread_answer_; }
  void set_unread_answer(SecretString bytes) { unread_answer_ = std::move(bytes); }
  // The bytes mention a refresh token, so the presented one is spent: if it is presented again, a strict provider ends
  // the chain. The fetch waits for a person.
  [[nodiscard]] bool spent() const { return spent_; }
  void set_spent() { spent_ = true; }
  // The same failure with another message.
  [[nodiscard]] SourceError reworded(const std::string& message) const {
    SourceError other(*this);
    static_cast<Error&>(other) = Error(message);
    return other;
  }

 private:
  Kind kind_;
  std::optional<Duration> retry_after_;
  std::string request_;
  SecretString state_;
  SecretString unread_answer_;
  std::string code_;
  int status_ = 0;
  bool spent_ = false;
};

// The failure of a request that cannot be made. It is transient: a secret file that is missing now may exist at the
// next attempt.
[[nodiscard]] inline SourceError unmade_request(const Error& why) {
  return {SourceError::Kind::transient, std::string("the request cannot be made: ") + why.what()};
}

// Throws SourceError for a token that fits no segment, because it is larger than `capacity` bytes
// (tokens.NAME.capacity) or has too many attributes, or that has run out by `now`.
inline void check_token(const FetchedToken& token, const std::string& name, std::size_t capacity, WallTime now) {
  const std::size_t size = token.value.size();
  if (size > capacity) {
    const std::string sizes = std::to_string(size) + " bytes exceeds capacity " + std::to_string(capacity);
    throw SourceError(SourceError::Kind::permanent, "token of " + sizes + "; raise tokens." + name + ".capacity");
  }
  if (const std::size_t all = size_in_segment(token.attributes); all > max_attributes_size) {
    throw SourceError(SourceError::Kind::permanent, "the attributes of the token have " + std::to_string(all) +
                                                        " bytes, and " + std::to_string(max_attributes_size) +
                                                        " is the most; select fewer of them in tokens." + name +
                                                        ".source.response.attributes");
  }
  if (token.expires_at <= now)
    throw SourceError(SourceError::Kind::transient, "the token expired before the provider's answer was complete");
}

// The inputs of a fetch from the fleet.
struct FetchContext {
  SecretString state{};    // the state that the last successful fetch left (FetchedToken::state); empty: none
  bool asked_for = false;  // by an operator: a request that waits for a person is sent
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Throws SourceError. On cancellation stops the transfer and throws system_error(operation_aborted).
  virtual Task<FetchedToken> fetch(FetchContext context) = 0;

  // Shows whether the next request equals another one, secrets included; a short SHA-256, so it reveals no secret.
  // Empty if the request cannot be made now, or is never the same.
  [[nodiscard]] virtual std::string fingerprint() const { return {}; }

  // `changed` is called from the loop when a fetch may bring a new token (a file was replaced). A refresh follows, also
  // in the pause after a failure, because the change may have corrected it. A source that cannot notice changes never
  // calls it. Set once, before the first fetch.
  virtual void on_change(std::function<void()> /*changed*/) {}

  // Whether the provider can be informed that a token is no longer used.
  [[nodiscard]] virtual bool revokes() const { return false; }
  // Revokes a token: one attempt, harmless if it is revoked already (RFC 7009). Throws SourceError, and on cancellation
  // system_error(operation_aborted).
  virtual Task<> revoke(SecretString /*token*/) {
    throw SourceError(SourceError::Kind::permanent, describe() + " has no way to revoke a token");
    co_return;
  }

  // Describes a fetch, for `jeton-agent fetch --dry-run`: "runs /usr/bin/get-token", without any secret. Nothing: the
  // source sends HTTP requests, and its transport shows them.
  [[nodiscard]] virtual std::optional<std::string> describe_request() const { return describe(); }

  // For status and logs: "https://api.example.com/token"; no query, no secret.
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace jeton::agent
