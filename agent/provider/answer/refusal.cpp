#include "agent/provider/answer/refusal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "agent/base/excerpt.hpp"
#include "agent/provider/wire_time.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

struct KnownCode {
  std::string_view code;
  Kind kind;
  const char* advice;
};

constexpr std::array known_codes{
    KnownCode{"invalid_request", Kind::permanent, "check the grant and the parameters of the source"},
    KnownCode{
        "invalid_client", Kind::permanent,
        "check the client's credentials and authentication method (client_id, client_auth), also at the provider"},
    KnownCode{"invalid_grant", Kind::permanent, "check the credential of the grant, and this host's clock"},
    KnownCode{"unauthorized_client", Kind::permanent, "ask the provider to allow this grant for the client"},
    KnownCode{"unsupported_grant_type", Kind::permanent, "check the grant and that the URL is the token endpoint"},
    KnownCode{"invalid_scope", Kind::permanent, "check the requested scope"},
    KnownCode{"invalid_target", Kind::permanent, "check the requested resource and audience"},
    // Meant for redirects (RFC 6749 section 4.1.2.1), and sent with 400 by some.
    KnownCode{"server_error", Kind::transient, "the provider has trouble"},
    KnownCode{"temporarily_unavailable", Kind::transient, "the provider has trouble"},
    KnownCode{"slow_down", Kind::transient, "the provider's rate limit is reached"}};

const KnownCode* known(std::string_view code) {
  const auto found =
      std::find_if(known_codes.begin(), known_codes.end(), [&](const KnownCode& one) { return one.code == code; });
  return found == known_codes.end() ? nullptr : &*found;
}

bool is_redirect(int status) { return status >= 300 && status <= 399; }

// A status that says "later", not "wrong".
bool is_transient_status(int status) { return status >= 500 || status == 429 || status == 408 || status == 425; }

const char* advice_for(int status) {
  if (is_redirect(status)) return "set the URL of the source to its target, or set source.max_redirects";
  switch (status) {
    case 400:
    case 401:
    case 403:
      return "check the credentials and parameters of the source";
    case 404:
    case 405:
    case 410:
      return "check URL and method of the source";
    case 429:
      return "the provider's rate limit is reached";
    default:
      return nullptr;
  }
}

Kind kind_of_refusal(const ErrorRules& rules, const std::string& code, int status, bool says_later) {
  if (const auto ruled = ruled_kind(rules, code, status)) return *ruled;
  if (is_transient_status(status)) return Kind::transient;
  if (const KnownCode* const one = known(code)) return one->kind;
  if (is_redirect(status)) return Kind::permanent;
  return is_success_status(status) || says_later ? Kind::transient : Kind::permanent;
}

template <typename Value>
bool has(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool means_success(const WipingJson& value, const ErrorRules& rules) {
  if (value.is_structured() && value.empty()) return true;
  if (!rules.success.empty()) return has(rules.success, scalar_text(value));
  return (value.is_string() && (text_in(value).empty() || text_in(value) == "0")) ||
         (value.is_boolean() && !value.get<bool>()) || (value.is_number() && value.get<double>() == 0);
}

std::vector<SecretString> hidden_texts(const AnswerContent& content, const ResponseConfig& config,
                                       std::span<const SecretString> secrets) {
  std::vector<SecretString> hidden(secrets.begin(), secrets.end());
  for (const AnswerPlace* const place : {&config.token, &config.refresh_token}) {
    const auto value = content.find(*place);
    if (value && value->is_string()) hidden.emplace_back(text_in(*value));
  }
  return hidden;
}

std::string quoted(const WipingJson& value, std::span<const SecretString> hidden) {
  return "\"" + excerpt(scalar_text(value), hidden) + "\"";
}

// The provider's text beside a status that is an error by itself; empty: there is none.
std::string message_in(const AnswerContent& content, const ResponseConfig& config,
                       std::span<const SecretString> secrets) {
  const auto message = content.find(config.error_message);
  if (!message) return {};
  return config.error_message.text() + " " + quoted(*message, hidden_texts(content, config, secrets));
}

// {"error": {"code": 190, "message": "..."}} or {"errors": ["..."]}: there is no one code, so the way to it is shown.
DeclaredError structured_error(const WipingJson& error, const AnswerContent& content, const ResponseConfig& config,
                               std::span<const SecretString> hidden) {
  const std::string place = config.error.text();
  DeclaredError declared;
  declared.words = place + " is a JSON " + error.type_name();
  std::string step = error.is_object() ? "NAME" : "0";
  for (const char* const name : {"error", "reason", "type", "status", "code"}) {  // the last one counts
    if (error.is_object() && error.contains(name)) step = name;
  }
  declared.words += "; set response.error to one value in it, such as " + place + "/" + step;
  const auto message = content.find(config.error_message);
  const WipingJson* const own = error.is_object() && error.contains("message") ? &error["message"] : nullptr;
  if (message && message->is_string()) {
    declared.words += ": " + quoted(*message, hidden);
  } else if (own != nullptr && own->is_string()) {
    declared.words += ": " + quoted(*own, hidden);
  }
  return declared;
}

std::string_view first_header(const HttpResponse& response, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const SecretString* const value = find_header(response.headers, name)) return value->reveal();
  }
  return {};
}

enum class RateLimit { unknown, remains, spent };

// Many providers send these headers with every answer.
RateLimit limit_of(const HttpResponse& response) {
  const std::string_view remaining =
      first_header(response, {"X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining"});
  if (remaining.empty()) return RateLimit::unknown;
  return remaining.find_first_not_of("0.") == std::string_view::npos ? RateLimit::spent : RateLimit::remains;
}

// Dates in the answer are of the provider's clock (RFC 9110 section 6.6.1), and this host's may differ.
WallTime provider_time(const HttpResponse& response, WallTime now) {
  return parse_http_date(without_blanks(first_header(response, {"Date"})), now).value_or(now);
}

// Seconds from now, or since 1970; both are met under the same names.
std::optional<Duration> pause_until_reset(std::string_view text, WallTime now) {
  constexpr double longest_relative = 1e9;  // seconds; a larger number is a date
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !(number >= 0)) return std::nullopt;
  if (number < longest_relative) {
    const double capped = std::min(number, std::chrono::duration<double>(retry_after_cap).count());
    return Milliseconds{static_cast<std::int64_t>(capped * 1000)};
  }
  const auto date = from_unix_number(number);
  if (!date) return std::nullopt;
  return std::clamp<Milliseconds>(*date - now, Milliseconds{0}, to_ms(retry_after_cap));
}

}  // namespace

bool is_success_status(int status) { return status >= 200 && status <= 299; }

Kind kind_of(HttpError::Reason reason) {
  return reason == HttpError::Reason::redirect || reason == HttpError::Reason::request ? Kind::permanent
                                                                                       : Kind::transient;
}

std::optional<DeclaredError> declared_error(const AnswerContent& content, const ResponseConfig& config,
                                            std::span<const SecretString> secrets) {
  const auto error = content.find(config.error);
  if (!error || means_success(*error, config.error_rules)) return std::nullopt;
  const std::vector<SecretString> hidden = hidden_texts(content, config, secrets);
  if (error->is_structured()) return structured_error(*error, content, config, hidden);
  DeclaredError declared{scalar_text(*error), {}, {}};
  declared.shown_code = excerpt(declared.code, hidden);
  declared.words = config.error.text() + " " + declared.shown_code;
  const auto message = content.find(config.error_message);
  if (message && config.error_message != config.error) declared.words += ": " + quoted(*message, hidden);
  return declared;
}

bool says_later(const HttpResponse& response, WallTime now) {
  return is_transient_status(response.status) || parse_retry_after(response.retry_after, now).has_value() ||
         limit_of(response) == RateLimit::spent;
}

Kind kind_of_code(const ErrorRules& rules, const std::string& code, int status, Kind otherwise) {
  if (const auto ruled = ruled_kind(rules, code, status)) return *ruled;
  const KnownCode* const one = known(code);
  return one == nullptr ? otherwise : one->kind;
}

std::optional<Kind> ruled_kind(const ErrorRules& rules, const std::string& code, int status) {
  if (!code.empty() && has(rules.permanent, code)) return Kind::permanent;
  if (!code.empty() && has(rules.transient, code)) return Kind::transient;
  if (has(rules.permanent_status, status)) return Kind::permanent;
  return has(rules.transient_status, status) ? std::optional(Kind::transient) : std::nullopt;
}

std::optional<Duration> asked_pause(const HttpResponse& response, WallTime received_at) {
  const WallTime now = provider_time(response, received_at);
  if (const auto pause = parse_retry_after(response.retry_after, now)) return pause;
  if (limit_of(response) == RateLimit::remains) return std::nullopt;
  return pause_until_reset(first_header(response, {"X-RateLimit-Reset", "X-Rate-Limit-Reset", "RateLimit-Reset"}), now);
}

void refuse_unless_accepted(const HttpResponse& response, const AnswerContent& content, const ResponseConfig& config,
                            const std::string& display, std::span<const SecretString> secrets) {
  const auto error = declared_error(content, config, secrets);
  if (is_success_status(response.status) && !error) return;
  const std::string code = error ? error->code : std::string{};
  const WallTime now = content.received_at;
  const Kind kind = kind_of_refusal(config.error_rules, code, response.status, says_later(response, now));
  const std::string words = error ? error->words : message_in(content, config, secrets);
  std::string text = display + " answered " + std::to_string(response.status);
  if (is_redirect(response.status)) text += ", a redirect";
  if (!words.empty()) text += " (" + words + ")";
  const KnownCode* const one = known(code);
  const bool refused = !is_success_status(response.status) && !is_transient_status(response.status);
  const char* advice = one != nullptr ? one->advice : advice_for(response.status);
  if (one == nullptr && refused && kind == Kind::transient) advice = "it may work later";
  if (advice != nullptr) text += std::string("; ") + advice;
  SourceError refusal(kind, text, asked_pause(response, now));
  refusal.set_refusal(error ? error->shown_code : std::string{}, response.status);
  throw SourceError(refusal);
}

void refuse_declared_error(const AnswerContent& content, const ResponseConfig& config,
                           std::span<const SecretString> secrets) {
  const auto error = declared_error(content, config, secrets);
  if (!error) return;
  SourceError refusal(kind_of_code(config.error_rules, error->code, 0, Kind::transient),
                      "the provider answered with " + error->words);
  refusal.set_refusal(error->shown_code, 0);
  throw SourceError(refusal);
}

std::string with_subject(std::string message, std::string_view subject) {
  for (const std::string_view replaced : {std::string_view("the provider's answer"), std::string_view("the provider"),
                                          std::string_view("; is the URL of the source right?"),
                                          std::string_view("; is it a form (response.format: form)?")}) {
    for (std::size_t at = message.find(replaced); at != std::string::npos; at = message.find(replaced)) {
      message.replace(at, replaced.size(), replaced.starts_with(';') ? "" : subject);
    }
  }
  return message;
}

}  // namespace jeton::agent
