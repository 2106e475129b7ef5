#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace jeton::test {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

Key new_key() { return {::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &::EVP_PKEY_free}; }

Certificate new_certificate(EVP_PKEY* key, const std::string& subject, std::chrono::seconds from,
                            std::chrono::seconds until) {
  Certificate certificate(::X509_new(), &::X509_free);
  ::X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint32_t serial = 0;
  ::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate.get()), serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), from.count());
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), until.count());
  ::X509_set_pubkey(certificate.get(), key);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  return certificate;
}

void extend(X509* certificate, int extension, const std::string& value) {
  X509_EXTENSION* const made = ::X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
  if (made == nullptr) throw std::runtime_error("no such certificate extension: " + value);
  ::X509_add_ext(certificate, made, -1);
  ::X509_EXTENSION_free(made);
}

template <typename Write>
std::string pem_of(const Write& write) {
  const std::unique_ptr<BIO, decltype(&::BIO_free_all)> bio(::BIO_new(::BIO_s_mem()), &::BIO_free_all);
  write(bio.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of_certificate(X509* certificate) {
  return pem_of([&](BIO* bio) { ::PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

Authority::Authority(const std::string& name) : name_(name), key_(new_key()) {
  certificate_ = new_certificate(key_.get(), name, std::chrono::hours(-48), std::chrono::hours(48));
  ::X509_set_issuer_name(certificate_.get(), ::X509_get_subject_name(certificate_.get()));
  extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  ::X509_sign(certificate_.get(), key_.get(), ::EVP_sha256());
}

std::string Authority::pem() const { return pem_of_certificate(certificate_.get()); }

IssuedCertificate Authority::issue(const CertificateTerms& terms) const {
  const Key key = new_key();
  const Certificate certificate = new_certificate(key.get(), "leaf", terms.valid_from, terms.valid_until);
  ::X509_set_issuer_name(certificate.get(), ::X509_get_subject_name(certificate_.get()));
  std::string names;
  for (const std::string& name : terms.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(certificate.get(), NID_subject_alt_name, names);
  ::X509_sign(certificate.get(), key_.get(), ::EVP_sha256());
  return {pem_of_certificate(certificate.get()),
          pem_of([&](BIO* bio) { ::PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

}  // namespace jeton::test
