#include "agent/provider/source_fingerprint.hpp"

#include <vector>

#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {
namespace {

std::string text_of(const std::optional<Milliseconds>& time) { return time ? std::to_string(time->count()) : "none"; }

}  // namespace

void SourceFingerprint::add(std::string_view text) {
  all_.append(std::to_string(text.size()));
  all_.append(":");
  all_.append(text);
}

void SourceFingerprint::add(const EgressConfig& egress) {
  add(std::to_string(egress.max_redirects));
  if (egress.tls.cert_file.empty()) return;
  for (const std::filesystem::path* const file : {&egress.tls.cert_file, &egress.tls.key_file}) {
    add(SecretTemplate({{SecretPart::Kind::file, file->string()}}).resolve().reveal());
  }
}

void SourceFingerprint::add(const ResponseConfig& response, std::size_t capacity) {
  for (const AnswerPlace* const place : {&response.token, &response.refresh_token, &response.expires_in,
                                         &response.expires_at, &response.type, &response.error}) {
    add(place->text());
  }
  for (const auto& [name, place] : response.attributes) {
    add(name);
    add(place.text());
  }
  add(text_of(response.expiry_unit));
  add(text_of(response.default_lifetime));
  for (const std::size_t number : {response.max_body, static_cast<std::size_t>(response.format), capacity})
    add(std::to_string(number));
  const ErrorRules& rules = response.error_rules;
  for (const std::vector<std::string>* const codes : {&rules.permanent, &rules.transient, &rules.success}) {
    add(std::to_string(codes->size()));
    for (const std::string& code : *codes) add(code);
  }
  for (const std::vector<int>* const statuses : {&rules.permanent_status, &rules.transient_status}) {
    add(std::to_string(statuses->size()));
    for (const int status : *statuses) add(std::to_string(status));
  }
}

}  // namespace jeton::agent
