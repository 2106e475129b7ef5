#include "agent/config/secrets/reference_place.hpp"

#include <string_view>
#include <vector>

#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using PartKind = SecretPart::Kind;

std::string unknown_value(const std::string& name, const std::set<std::string>& values) {
  std::string text = "no value above it has the name " + name;
  if (values.empty()) return text + "; add it to values";
  const std::vector<std::string_view> names(values.begin(), values.end());
  if (const auto meant = nearest(name, names)) return text + "; did you mean " + std::string(*meant) + "?";
  text += "; the values above it are";
  for (const std::string_view known : names) text += (known == names.front() ? " " : ", ") + std::string(known);
  return text;
}

std::optional<std::string> complaint(const SecretPart& part, const RequestReferences* request) {
  switch (part.kind) {
    case PartKind::revoked:
      if (request != nullptr && request->revoked) return std::nullopt;
      return "is allowed only in source.revocation; use ${token:NAME} for the value of a token";
    case PartKind::refresh_token:
      if (request != nullptr && request->refresh_token) return std::nullopt;
      return "is allowed only in the request of a source of type http that has refresh_token";
    case PartKind::now:
    case PartKind::nonce:
      if (request != nullptr) return std::nullopt;
      return "is new in every request, and is allowed only in the request of a source of type http or oauth2";
    case PartKind::value:
    case PartKind::request:
      if (request == nullptr || !request->values_and_parts) {
        return "is allowed only in the request of a source of type http";
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
