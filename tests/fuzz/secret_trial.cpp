#include "tests/fuzz/secret_trial.hpp"

#include <algorithm>
#include <exception>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/secrets/environment_file.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/output_template.hpp"
#include "agent/config/text/request_formats.hpp"
#include "agent/jwt/jwt_claims.hpp"
#include "agent/jwt/jwt_signer.hpp"
#include "agent/provider/oauth2/discovery.hpp"
#include "agent/provider/source.hpp"
#include "tests/fuzz/message_check.hpp"
#include "tests/support/seeded_random.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;

const WallTime time_of_request = from_unix_ms(1'790'000'000'000);

// Every token has the planted secret as its value, and so has every value of a request.
class PlantedValues final : public TokenValues {
 public:
  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    if (name.size() > 8) return std::nullopt;
    return SecretString(planted_secret);
  }
  [[nodiscard]] std::optional<SecretString> request_value(const SecretPart& part) const override {
    if (part.kind == SecretPart::Kind::now) return SecretString(format_time(part.text, time_of_request));
    if (part.kind == SecretPart::Kind::nonce) {
      test::SeededRandom random(1);
      return SecretString(make_nonce(part.text, random));
    }
    return part.text == "none" ? std::nullopt : std::optional<SecretString>(SecretString(planted_secret));
  }
};

// The text that a template was read from, in the only way to write it that has nothing to choose.
std::string text_of(const SecretTemplate& secret) {
  std::string text;
  for (const SecretPart& part : secret.parts()) {
    if (part.kind != SecretPart::Kind::literal) {
      text += SecretTemplate::reference_text(part);
      continue;
    }
    for (std::size_t at = 0; at < part.text.size(); ++at) {
      if (part.text.compare(at, 2, "${") == 0) text += '$';
      text += part.text[at];
    }
  }
  return text;
}

std::string template_complaint(std::string_view text) {
  const SecretTemplate secret = SecretTemplate::parse(text);
  // A message shows a control character in another form, and the beginning of a long text.
  const bool shown_as_it_is = text.size() < excerpt_limit && excerpt(text) == text;
  if (shown_as_it_is && SecretTemplate::parse(text_of(secret)) != secret)
    return "a template that is another one when it is read again";
  const auto is_literal = [](const SecretPart& part) { return part.kind == SecretPart::Kind::literal; };
  const bool is_plain = std::all_of(secret.parts().begin(), secret.parts().end(), is_literal);
  if (is_plain == secret.has_reference()) return "a reference that is not counted";
  // Files are those of this host: only other references are looked up.
  if (secret.has(SecretPart::Kind::file) || secret.has(SecretPart::Kind::credential)) return {};
  for (const SecretPart& part : secret.parts()) {
    if (part.kind == SecretPart::Kind::literal && part.text.empty()) return "a literal without a text";
  }
  const PlantedValues values;
  const SecretString resolved = secret.resolve(&values);
  if (is_plain && resolved.size() > text.size()) return "a literal that grew";
  return {};
}

// A secret that happens to hold ${ is not shown. Only the text of a known reference is.
std::string unknown_reference_complaint(std::string_view text) {
  return template_complaint(std::string(planted_secret) + "${" + std::string(planted_secret) + std::string(text));
}

std::string variables_complaint(std::string_view text) {
  for (const auto& [name, value] : parse_environment_file(text)) {
    if (!is_environment_name(name)) return "a variable whose name is none";
    if (value.size() > text.size()) return "a value that is longer than its file";
  }
  return {};
}

std::string secret_file_complaint(std::string_view text) {
  static_cast<void>(fault_of_secret_text(text));
  return without_line_ends(text).size() > text.size() ? "a secret that grew" : "";
}

// The second byte chooses the algorithm.
std::string key_complaint(std::string_view text) {
  if (text.empty()) return {};
  const auto& [name, algorithm] = jwt_algorithms[static_cast<unsigned char>(text[0]) % jwt_algorithms.size()];
  const std::string key = std::string(planted_secret) + "\n" + std::string(text.substr(1));
  const JwtSigner signer(algorithm, SecretString(key));
  const SecretString token =
      signer.sign("{\"alg\":\"" + std::string(name) + "\"}", R"({"iat":1790000000,"exp":1790003600})");
  if (jwt_expiry(token.reveal()) != from_unix_ms(1'790'003'600'000)) return "a JWT that is not read as it was signed";
  return {};
}

std::string url_complaint(std::string_view text) {
  const HttpUrl url = parse_http_url(text);
  if (url.host.empty() || url.port == 0 || !url.path.starts_with('/')) return "a URL without its parts";
  if (url.display().find('?') != std::string::npos) return "a URL that is shown with its query";
  // What is shown leads to the same place.
  const HttpUrl again = parse_http_url(url.display());
  return again.host == url.host && again.port == url.port && again.tls == url.tls ? "" : "a URL that changes";
}

// Whatever leads to another host than the issuer names is nothing to be checked here: the issuer may say so. But no
// endpoint is http:// elsewhere, and none is without a display.
std::string metadata_complaint(std::string_view text, bool mutual_tls) {
  OAuth2SourceConfig config;
  config.issuer = "https://issuer.example.com";
  config.client_secret = SecretTemplate::literal(std::string(planted_secret));
  if (mutual_tls) config.egress.tls.cert_file = "/client.pem";
  const OAuth2Endpoints endpoints = read_metadata(text, config);
  const auto check = [](const SecretString& url, const std::string& shown) -> std::string {
    if (!message_complaint(shown).empty()) return "an endpoint that no message can name";
    const HttpUrl parsed = parse_http_url(url.reveal());
    return parsed.tls || parsed.loopback() ? "" : "an endpoint that would get secrets in the clear";
  };
  std::string complaint = check(endpoints.token, endpoints.token_display);
  if (complaint.empty() && !endpoints.revocation.empty()) {
    complaint = check(endpoints.revocation, endpoints.revocation_display);
  }
  return complaint;
}

// Of an output, in any text.
std::string output_template_complaint(std::string_view text) {
  try {
    const OutputTemplate parsed = OutputTemplate::parse(text);
    std::size_t size = 0;
    for (const OutputExpression& expression : parsed.expressions()) {
      if (expression.parts.empty()) return "an expression without a part";
      for (const OutputPart& part : expression.parts) size += part.text.size();
    }
    return size > text.size() ? "a template that grew" : "";
  } catch (const Error& e) {
    return message_complaint(e.what());
  }
}

std::string complaint_of(int reader, std::string_view text) {
  switch (reader) {
    case 0:
      if (std::string complaint = output_template_complaint(text); !complaint.empty()) return complaint;
      return template_complaint(text);
    case 1:
      return unknown_reference_complaint(text);
    case 2:
      return variables_complaint(text);
    case 3:
      return secret_file_complaint(text);
    case 4:
      return key_complaint(text);
    case 5:
      return url_complaint(text);
    default:
      return metadata_complaint(text, reader == 7);
  }
}

}  // namespace

std::string try_secret_text(std::string_view input) {
  if (input.empty()) return {};
  if (input.find(planted_secret) != std::string_view::npos) return {};  // it would be no proof
  try {
    return complaint_of(static_cast<unsigned char>(input[0]) % readers_of_secrets, input.substr(1));
  } catch (const Error& e) {
    return message_complaint(e.what());
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
