#include "agent/config/schema/tls_check.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

// Asked for the passphrase: there is none, and OpenSSL must not ask on the terminal.
int note_encryption(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// `asked`: outlives the context; set when a passphrase is asked for.
Context new_context(bool& asked) {
  Context context(::SSL_CTX_new(::TLS_client_method()));
  if (context == nullptr) throw Error("OpenSSL has no memory for a context of TLS");
  ::SSL_CTX_set_default_passwd_cb(context.get(), note_encryption);
  ::SSL_CTX_set_default_passwd_cb_userdata(context.get(), &asked);
  return context;
}

bool load(SSL_CTX* context, TlsUse use, const std::filesystem::path& file) {
  switch (use) {
    case TlsUse::authorities:
      return ::SSL_CTX_load_verify_file(context, file.c_str()) == 1;
    case TlsUse::certificate:
      return ::SSL_CTX_use_certificate_chain_file(context, file.c_str()) == 1;
    case TlsUse::key:
      return ::SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM) == 1;
  }
  return false;
}

}  // namespace

std::string fault_of_tls_file(TlsUse use, const std::filesystem::path& file) {
  bool asked = false;
  const Context context = new_context(asked);
  const bool loaded = load(context.get(), use, file);
  const char* const reason = ::ERR_reason_error_string(::ERR_get_error());
  const std::string why = reason == nullptr ? "" : " (OpenSSL: " + std::string(reason) + ")";
  ::ERR_clear_error();
  if (loaded) return {};
  if (asked)
    return "the key is encrypted with a passphrase; decrypt it with openssl pkey, and keep the file at mode 0600";
  return std::string(use == TlsUse::key ? "no private key" : "no certificate") + " in PEM that can be used" + why;
}

bool is_key_of(const std::filesystem::path& key, const std::filesystem::path& certificate) {
  bool asked = false;
  const Context context = new_context(asked);
  const bool fits = load(context.get(), TlsUse::certificate, certificate) && load(context.get(), TlsUse::key, key);
  ::ERR_clear_error();
  return fits;
}

}  // namespace jeton::agent
