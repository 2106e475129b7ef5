#include "agent/provider/request_value.hpp"

#include "agent/base/error.hpp"
#include "agent/http/url.hpp"
#include "agent/jwt/base64url.hpp"
#include "agent/jwt/digest.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {
namespace {

using Function = RequestValue::Function;
using Form = RequestValue::Form;

SecretString xml_escaped(std::string_view text) {
  SecretString out;
  for (const char& c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '"':
        out.append("&quot;");
        break;
      case '\'':
        out.append("&apos;");
        break;
      default:
        out.append({&c, 1});
    }
  }
  return out;
}

// Decodes either alphabet, with padding or without.
SecretString base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  SecretString url_safe;
  for (const char& c : text) url_safe.append(c == '+' ? "-" : c == '/' ? "_" : std::string_view(&c, 1));
  const auto bytes = base64url_decode(url_safe.reveal());
  if (!bytes) throw Error("the text is not base64");
  return *bytes;
}

SecretString in_form(Form form, const SecretString& bytes) {
  switch (form) {
    case Form::hex:
      return hex_encoded(bytes.reveal(), HexCase::lower);
    case Form::upper_hex:
      return hex_encoded(bytes.reveal(), HexCase::upper);
    case Form::base64:
      return base64_encoded(bytes.reveal());
    case Form::base64url:
      return SecretString(base64url_encode(bytes.reveal()));
    case Form::bytes:
      return bytes;
  }
  return {};
}

}  // namespace

SecretString apply_function(const RequestValue& value, const SecretString& text, const SecretString& key) {
  switch (value.function) {
    case Function::none:
      return text;
    case Function::md5:
      return in_form(value.form, digest_of(Digest::md5, text.reveal()));
    case Function::sha1:
      return in_form(value.form, digest_of(Digest::sha1, text.reveal()));
    case Function::sha256:
      return in_form(value.form, digest_of(Digest::sha256, text.reveal()));
    case Function::sha512:
      return in_form(value.form, digest_of(Digest::sha512, text.reveal()));
    case Function::hmac_md5:
      return in_form(value.form, hmac_of(Digest::md5, key, text.reveal()));
    case Function::hmac_sha1:
      return in_form(value.form, hmac_of(Digest::sha1, key, text.reveal()));
    case Function::hmac_sha256:
      return in_form(value.form, hmac_of(Digest::sha256, key, text.reveal()));
    case Function::hmac_sha512:
      return in_form(value.form, hmac_of(Digest::sha512, key, text.reveal()));
    case Function::rsa_sha256:
      return in_form(value.form, JwtSigner(JwtAlgorithm::rs256, key).signature(text.reveal()));
    case Function::base64:
      return base64_encoded(text.reveal());
    case Function::base64_decode:
      return base64_decoded(text.reveal());
    case Function::percent_encode:
      return percent_encoded(text.reveal());
    case Function::xml_escape:
      return xml_escaped(text.reveal());
  }
  return {};
}

}  // namespace jeton::agent
