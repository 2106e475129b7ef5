#include "agent/provider/exec/exec_output.hpp"

#include <string>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/provider/source.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

using ExecFormat = ExecSourceConfig::Format;

[[noreturn]] void refuse_output(const std::string& what) { throw SourceError(SourceError::Kind::transient, what); }

ResponseConfig response_of(const ExecSourceConfig& config, const char* token, const char* expires_at) {
  ResponseConfig response;
  response.token = token;
  response.expires_in.clear();
  response.expires_at = expires_at;
  response.default_lifetime = config.response.default_lifetime;
  return response;
}

// Of an output of any shape; a secret is not likely to come after so many others.
constexpr std::size_t most_words = 256;
constexpr std::size_t shortest_word = 8;  // bytes; a shorter one may be part of an innocent text

void add_words(std::string_view text, std::vector<SecretString>& secrets) {
  constexpr std::string_view ends = " \t\r\n\"'`,;(){}[]<>";
  std::size_t at = 0;
  for (std::size_t words = 0; words < most_words; ++words) {
    at = text.find_first_not_of(ends, at);
    if (at == std::string_view::npos) return;
    const std::string_view word = text.substr(at, text.find_first_of(ends, at) - at);
    if (word.size() >= shortest_word) secrets.emplace_back(word);
    at += word.size();
  }
}

// The places of secrets in JSON.
std::vector<AnswerPlace> secret_places(const ExecSourceConfig& config) {
  switch (config.format) {
    case ExecFormat::kubernetes:
      return {"/status/token"};
    case ExecFormat::aws:
      return {"/SecretAccessKey", "/SessionToken"};
    default:
      return {config.response.token, config.response.refresh_token};
  }
}

// The output is the token only, as of `gcloud auth print-access-token`.
FetchedToken parse_text_output(std::string_view output, const ExecSourceConfig& config, WallTime started_at) {
  ResponseConfig response = response_of(config, "", "");
  response.format = ResponseConfig::Format::text;
  return parse_token_response(output, response, started_at);
}

// One word, where JSON is expected.
bool may_be_token_itself(std::string_view output) {
  const std::string_view word = without_blanks(output);
  return !fault_of_value(word) && std::string_view("{[\"<").find(word.front()) == std::string_view::npos;
}

FetchedToken parse_kubernetes(std::string_view output, const ExecSourceConfig& config, WallTime started_at) {
  const WipingJson json = parse_json_object(output);
  if (text_by_pointer(json, "/kind") != "ExecCredential" ||
      !text_by_pointer(json, "/apiVersion").starts_with("client.authentication.k8s.io/")) {
    refuse_answer("is not an ExecCredential of client.authentication.k8s.io; check source.format");
  }
  if (find_by_pointer(json, "/status/token") == nullptr &&
      find_by_pointer(json, "/status/clientCertificateData") != nullptr) {
    refuse_answer("holds a client certificate and no token");
  }
  const ResponseConfig response = response_of(config, "/status/token", "/status/expirationTimestamp");
  FetchedToken token = parse_token_response(output, response, started_at);
  token.type = "Bearer";
  return token;
}

FetchedToken parse_aws(std::string_view output, const ExecSourceConfig& config, WallTime started_at) {
  const WipingJson json = parse_json_object(output);
  const WipingJson* version = find_by_pointer(json, "/Version");
  if (version == nullptr || !version->is_number_integer() || version->get<std::int64_t>() != 1)
    refuse_answer("is not of Version 1 of credential_process; check source.format");
  const std::string_view id = text_by_pointer(json, "/AccessKeyId");
  if (fault_of_value(id) || id.size() > max_attribute_size) refuse_answer("has no usable AccessKeyId");
  const std::string_view session = text_by_pointer(json, "/SessionToken");
  if (find_by_pointer(json, "/SessionToken") != nullptr && fault_of_value(session))
    refuse_output("the SessionToken in the provider's answer is not usable text");

  // Checks secret and expiry like those of every token.
  const ResponseConfig response = response_of(config, "/SecretAccessKey", "/Expiration");
  FetchedToken token = parse_token_response(output, response, started_at);
  // Only the members of the format: readers get nothing else of the output.
  WipingJson value{{"Version", 1}};
  for (const char* name : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    if (const auto member = json.find(name); member != json.end()) value[name] = *member;
  }
  token.value = json_text(value);
  if (fault_of_value(token.value.reveal())) refuse_output("the Expiration in the provider's answer holds a space");
  token.attributes.emplace("access_key_id", std::string(id));
  return token;
}

}  // namespace

FetchedToken parse_exec_output(std::string_view output, const ExecSourceConfig& config, WallTime started_at,
                               std::span<const SecretString> secrets) {
  try {
    switch (config.format) {
      case ExecFormat::text:
        return parse_text_output(output, config, started_at);
      case ExecFormat::kubernetes:
        return parse_kubernetes(output, config, started_at);
      case ExecFormat::aws:
        return parse_aws(output, config, started_at);
      default:
        return parse_token_response(output, config.response, started_at, secrets);
    }
  } catch (const SourceError& e) {
    const bool bare = config.format == ExecFormat::json && may_be_token_itself(output);
    throw e.reworded(with_subject(e.what(), "the output of the command") +
                     (bare ? "; is it the token itself (source.format: text)?" : ""));
  }
}

std::vector<SecretString> secrets_of_output(std::string_view output, const ExecSourceConfig& config) {
  std::vector<SecretString> secrets;
  const AnswerContent content = content_of(output, config.response, WallTime{});
  if (!content.json.is_structured()) {
    add_words(output, secrets);
    return secrets;
  }
  for (const AnswerPlace& place : secret_places(config)) {
    const auto value = content.find(place);
    if (!value || !value->is_string()) continue;
    secrets.emplace_back(text_in(*value));
    add_words(text_in(*value), secrets);
  }
  return secrets;
}

}  // namespace jeton::agent
