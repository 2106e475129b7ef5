#include "agent/config/reference_place.hpp"

#include <string_view>
#include <vector>

#include "agent/config/values.hpp"

namespace jeton::agent {

namespace {

using Kind = SecretPart::Kind;

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
    case Kind::revoked:
      if (request != nullptr && request->revoked) return std::nullopt;
      return "stands for a token in source.revocation only; ${token:NAME} is a token's value";
    case Kind::refresh_token:
      if (request != nullptr && request->refresh_token) return std::nullopt;
      return "stands for the newest refresh token in the request of a source of type http that has refresh_token";
    case Kind::now:
    case Kind::nonce:
      if (request != nullptr) return std::nullopt;
      return "stands for something new in every request, and is for the request of a source of type http or oauth2";
    case Kind::value:
    case Kind::request:
      if (request == nullptr || !request->values_and_parts) {
        return "is for the request of a source of type http";
      }
      if (part.kind == Kind::request || request->values.contains(part.text)) return std::nullopt;
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
