#include "agent/config/schema/schema.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

// A wrong path is kept, so that no later check reports a missing one.
void read_file(const ValueReader& value, std::filesystem::path& out) {
  const auto text = value.text();
  if (!text) return;
  out = *text;
  if (!out.is_absolute()) {
    value.error(value.path() + ": expected an absolute path; got " + in_quotes(*text));
  } else {
    value.refer(out);
  }
}

}  // namespace

ClientTlsConfig read_client_tls(ObjectReader& tls) {
  ClientTlsConfig config;
  const ValueReader cert = tls.at("cert_file");
  const ValueReader key = tls.at("key_file");
  read_file(tls.at("ca_file"), config.ca_file);
  read_file(cert, config.cert_file);
  read_file(key, config.key_file);
  if (cert.present() != key.present()) {
    (cert.present() ? cert : key).error(tls.path() + ": cert_file and key_file go together");
  }
  return config;
}

}  // namespace jeton::agent
