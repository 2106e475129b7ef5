#include "agent/config/secrets/reference_place.hpp"

#include <string_view>
#include <vector>

#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using PartKind = SecretPart::Kind;

std::string unknown_value(const std::string& name, const std::set<std::string>& values) {
  std::string text = "there is no value " + name + " above it";
  if (values.empty()) return text + "; name one in values";
  const std::vector<std::string_view> names(values.begin(), values.end());
  if (const auto meant = nearest(name, names)) return text + "; did you mean " + std::string(*meant) + "?";
  text += "; there are";
  for (const std::string_view known : names) text += (known == names.front() ? " " : ", ") + std::string(known);
  return text;
}

std::optional<std::string> complaint(const SecretPart& part, const RequestReferences* request) {
  switch (part.kind) {
    case PartKind::revoked:
      if (request != nullptr && request->revoked) return std::nullopt;
      return "stands for a token in source.revocation only; ${token:NAME} is a token's value";
    case PartKind::refresh_token:
      if (request != nullptr && request->refresh_token) return std::nullopt;
      return "stands for the newest refresh token in the request of a source of type http that has refresh_token";
    case PartKind::now:
    case PartKind::nonce:
      if (request != nullptr) return std::nullopt;
      return "stands for something new in every request, and is for the request of a source of type http or oauth2";
    case PartKind::value:
    case PartKind::request:
      if (request == nullptr || !request->values_and_parts) {
        return "is for the request of a source of type http";
      }
      if (part.kind == PartKind::request || request->values.contains(part.text)) return std::nullopt;
      return unknown_value(part.text, request->values);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> misplaced_reference(const SecretTemplate& text, const RequestReferences* request) {
  for (const SecretPart& part : text.parts()) {
    if (const auto why = complaint(part, request)) return SecretTemplate::reference_text(part) + ": " + *why;
  }
  return std::nullopt;
}

}  // namespace jeton::agent
