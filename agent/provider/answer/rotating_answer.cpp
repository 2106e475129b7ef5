#include "agent/provider/answer/rotating_answer.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/config/text/values.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t shortest_token = 16;  // bytes; of a text under a name that may mean something else

// "refresh_token", "refreshToken", "new_refresh_token"; or "refresh", if the text may be a token.
bool names_refresh_token(std::string_view key, std::string_view text) {
  std::string plain;
  for (const char c : key) {
    if (c != '_' && c != '-') plain += ascii_lower(c);
  }
  if (plain == "refresh") return text.size() >= shortest_token && !fault_of_value(text) && !text.starts_with("http");
  return plain.ends_with("refreshtoken");
}

std::string escaped_step(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

struct Misplaced {
  std::string place;
  SecretString value;
};

// Every refresh token by its name, wherever it is in the body.
void collect_refresh_tokens(const WipingJson& json, const std::string& pointer, std::vector<Misplaced>& found) {
  if (json.is_array()) {
    std::size_t index = 0;
    for (const auto& item : json) collect_refresh_tokens(item, pointer + "/" + std::to_string(index++), found);
  }
  if (!json.is_object()) return;
  for (const auto& member : json.items()) {
    const std::string_view key = member.key();
    const std::string at = pointer + "/" + escaped_step(key);
    const WipingJson& value = member.value();
    if (value.is_string() && !text_in(value).empty() && names_refresh_token(key, text_in(value))) {
      found.push_back({at, SecretString(text_in(value))});
    }
    collect_refresh_tokens(value, at, found);
  }
}

// The refresh token that a header or cookie brings, by its name. One that is only about a refresh token brings none.
std::optional<Misplaced> refresh_token_of(const HttpHeader& header) {
  const std::string_view line = header.value.reveal();
  const bool is_cookie = equal_ignoring_case(header.name, "Set-Cookie");
  // A short text may be about one ("X-Has-Refresh-Token: true"); Refresh is for browsers.
  if (!is_cookie && (line.size() < shortest_token || equal_ignoring_case(header.name, "Refresh"))) return std::nullopt;
  const AnswerPlace place =
      is_cookie ? AnswerPlace(AnswerPlace::In::cookie, std::string(without_blanks(line.substr(0, line.find('=')))))
                : AnswerPlace(AnswerPlace::In::header, header.name);
  AnswerContent alone;  // a cookie of the same name may be removed for another path
  alone.headers = {header};
  const auto value = alone.find(place);
  if (!value || text_in(*value).empty() || !names_refresh_token(place.name, text_in(*value))) return std::nullopt;
  return Misplaced{place.text(), SecretString(text_in(*value))};
}

bool brings_new_token(const HttpHeader& header, const SecretString& presented) {
  const auto found = refresh_token_of(header);
  return found && !(found->value == presented);
}

// A new refresh token in an answer. Without a fault and without a value the presented one remains in use.
struct RefreshTokenAnswer {
  std::optional<SecretString> value;
  std::string fault;  // empty: none; otherwise why it cannot be relied on, and what to do
};

RefreshTokenAnswer refresh_token_in(const AnswerContent& content, const AnswerTerms& terms) {
  const ResponseConfig& config = terms.config;
  const std::string name = "the refresh token (" + config.refresh_token.text() + ") in the provider's answer ";
  if (const auto value = content.find(config.refresh_token)) {
    if (!value->is_string()) return {std::nullopt, name + "is a JSON " + value->type_name() + ", not a string"};
    const std::string_view text = text_in(*value);
    if (text.empty()) return {};
    // The state is JSON, which would keep other characters.
    if (!is_utf8(text)) return {std::nullopt, name + "is not UTF-8"};
    return {SecretString(text), {}};
  }
  std::vector<Misplaced> others;
  collect_refresh_tokens(content.json, "", others);
  for (const HttpHeader& header : content.headers) {
    if (auto brought = refresh_token_of(header)) others.push_back(std::move(*brought));
  }
  std::erase_if(others, [&](const Misplaced& one) { return one.value == terms.presented; });  // no new one
  if (others.empty()) return {};
  if (others.size() == 1) {
    return {others.front().value,
            "the provider's answer has a new refresh token at " + others.front().place +
                ", where the agent does not look for it; set response.refresh_token: " + others.front().place};
  }
  return {std::nullopt, "the provider's answer has " + std::to_string(others.size()) +
                            " refresh tokens, of which response.refresh_token names none"};
}

// "refresh_token", "refreshToken", "Refresh-Token".
bool names_refresh_token_at(std::string_view text, std::size_t position) {
  constexpr std::string_view name = "refreshtoken";
  std::size_t matched = 0;
  for (std::size_t i = position; matched < name.size() && i < text.size(); ++i) {
    if (matched > 0 && (text[i] == '_' || text[i] == '-')) continue;
    if (ascii_lower(text[i]) != name[matched]) return false;
    ++matched;
  }
  return matched == name.size();
}

// Whether bytes that cannot be parsed mention a refresh token, or have a coding that hides it.
bool may_hold_refresh_token(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool is_text = byte >= 0x20 || byte == '\t' || byte == '\r' || byte == '\n';
    if (!is_text || names_refresh_token_at(bytes, i)) return true;
  }
  return false;
}

// Keeps an answer for an operator: its status, the headers that describe its body or bring a new refresh token, and the
// body, decoded if possible.
void keep_bytes(SourceError& failure, int status, const std::vector<HttpHeader>& headers, const SecretString& body,
                const SecretString& presented) {
  bool is_spent = may_hold_refresh_token(body.reveal());
  SecretString whole("status " + std::to_string(status) + "\n");
  for (const HttpHeader& header : headers) {
    const bool is_new = brings_new_token(header, presented);
    is_spent = is_spent || is_new;
    if (!is_new && !equal_ignoring_case(header.name.substr(0, 8), "Content-")) continue;
    whole.append(header.name + ": ");
    whole.append(header.value.reveal());
    whole.append("\n");
  }
  whole.append("\n");
  whole.append(body.reveal());
  failure.set_unread_answer(std::move(whole));
  if (is_spent) failure.set_spent();
}

}  // namespace

RotatingAnswer read_rotating_answer(const AnswerContent& content, const AnswerTerms& terms) {
  RotatingAnswer answer;
  std::string fault;
  std::optional<SourceError> unreadable = terms.rotates ? content.undecodable : std::nullopt;  // a token may be in it
  if (!unreadable) unreadable = content.unreadable;
  if (terms.object && content.json.is_string()) {
    unreadable.emplace(SourceError::Kind::transient, "the provider's answer is a JSON string, not an object");
  }
  try {
    if (unreadable) throw SourceError(*unreadable);
    if (terms.rotates) {
      RefreshTokenAnswer found = refresh_token_in(content, terms);
      answer.refresh_token = std::move(found.value);
      fault = std::move(found.fault);
    }
    answer.token = token_in(content, terms.config, {terms.sent_at, terms.sent_at}).token;
    if (!fault.empty()) throw SourceError(SourceError::Kind::permanent, fault);
  } catch (const SourceError& e) {
    // The next answer will probably be unreadable too, and the same request would present a spent refresh token again,
    // which ends the chain at a strict provider: it needs a person. Where neither token is found, both places may be
    // wrong.
    const bool finds_nothing = !answer.refresh_token && !content.find(terms.config.token);
    const bool needs_person = terms.rotates && (unreadable || !fault.empty() || finds_nothing);
    answer.unusable.emplace(needs_person ? SourceError::Kind::permanent : e.kind(), e.what(),
                            asked_pause(terms.response, content.received_at));
    if (terms.rotates && !answer.refresh_token)
      keep_bytes(*answer.unusable, terms.response.status, content.headers, content.body, terms.presented);
    return answer;
  }
  try {
    check_token(answer.token, terms.name, terms.capacity, content.received_at);
  } catch (const SourceError& e) {
    answer.unusable = e;
  }
  return answer;
}

void throw_refusal(const SourceError& refusal, const AnswerContent& content, const AnswerTerms& terms) {
  const int status = terms.response.status;
  const bool refuses_a_grant = status == 400 || status == 401;  // RFC 6749 section 5.2
  const bool in_its_words = !refusal.code().empty() || (refuses_a_grant && !content.unreadable);
  if (!is_success_status(status) && !in_its_words) throw ForeignRefusal(refusal);
  if (!is_success_status(status) || !terms.rotates) throw SourceError(refusal);
  const RefreshTokenAnswer found = refresh_token_in(content, terms);
  const bool is_new = found.value ? !(*found.value == terms.presented) : !found.fault.empty();
  if (!is_new) throw SourceError(refusal);
  SourceError kept(
      SourceError::Kind::permanent,
      std::string(refusal.what()) +
          "; the answer also has a new refresh token, so this may not be an error (response.error_rules.success)",
      refusal.retry_after());
  kept.set_refusal(refusal.code(), refusal.status());
  keep_bytes(kept, terms.response.status, content.headers, content.body, terms.presented);
  kept.set_spent();
  throw SourceError(kept);
}

SourceError failure_of(const HttpError& error, bool rotates, const SecretString& presented) {
  const HttpResponse& received = error.received();
  const bool in_headers = std::any_of(received.headers.begin(), received.headers.end(),
                                      [&](const HttpHeader& header) { return brings_new_token(header, presented); });
  const bool keeps = rotates && is_success_status(received.status) && (in_headers || !received.body.empty());
  const bool spent = keeps && (in_headers || may_hold_refresh_token(received.body.reveal()));
  SourceError failure(spent ? SourceError::Kind::permanent : kind_of(error.reason()), error.what());
  if (keeps) keep_bytes(failure, received.status, received.headers, received.body, presented);
  return failure;
}

}  // namespace jeton::agent
