// The files of TlsOptions as a context of OpenSSL (connecting.hpp).
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <memory>
#include <vector>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/fleet/redis/client/connecting.hpp"

namespace jeton::agent::redis {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::size_t max_pem_bytes = 4 * 1024 * 1024;

template <auto f>
struct FreeWith {
  void operator()(auto* p) const { f(p); }
};
using Bio = std::unique_ptr<BIO, FreeWith<&::BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<&::X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<&::EVP_PKEY_free>>;
using PemText = std::vector<char, WipingAllocator<char>>;

// OpenSSL would ask the terminal otherwise.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

// `what`: the setting and the file.
PemText read_now(const std::string& what, const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw SetupError(errno_error(what).what());
  if (!S_ISREG(status.st_mode)) throw SetupError(what + ": not a regular file");
  PemText text;
  std::size_t used = 0;
  for (;;) {
    text.resize(used + 16384);
    const ssize_t size = ::read(fd.get(), text.data() + used, text.size() - used);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw SetupError(errno_error(what).what());
    if (size == 0) break;
    used += static_cast<std::size_t>(size);
    if (used > max_pem_bytes) throw SetupError(what + ": larger than 4 MiB");
  }
  text.resize(used);
  return text;
}

// A FIFO by mistake, or a dead mount, must not hold up the agent.
PemText read_pem(const std::string& setting, const std::string& file) {
  const std::string what = setting + " " + file;
  try {
    return bounded(what, [what, file] { return read_now(what, file); });
  } catch (const SetupError&) {
    throw;
  } catch (const Error& e) {
    throw SetupError(e.what());
  }
}

Bio bio_of(const PemText& text) { return Bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

void trust(ssl::context& context, const std::string& file) {
  const PemText text = read_pem("tls.ca_file", file);
  const Bio bio = bio_of(text);
  X509_STORE* const store = ::SSL_CTX_get_cert_store(context.native_handle());
  int found = 0;
  while (const Certificate authority{::PEM_read_bio_X509_AUX(bio.get(), nullptr, &no_passphrase, nullptr)}) {
    ::X509_STORE_add_cert(store, authority.get());
    ++found;
  }
  ::ERR_clear_error();  // the end of the file
  if (found == 0) throw SetupError("tls.ca_file " + file + " holds no certificate in PEM format");
  // Each certificate in the file is trusted, whether it is a root, an authority below it or the server's own.
  ::X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

void identify(ssl::context& context, const TlsOptions& options) {
  const PemText chain = read_pem("tls.cert_file", options.cert_file);
  boost::system::error_code error;
  context.use_certificate_chain(boost::asio::buffer(chain.data(), chain.size()), error);
  if (error) throw SetupError("tls.cert_file " + options.cert_file + " holds no certificate in PEM format");

  const PemText text = read_pem("tls.key_file", options.key_file);
  const Bio bio = bio_of(text);
  const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
  ::ERR_clear_error();
  if (!key) {
    throw SetupError("tls.key_file " + options.key_file + " holds no private key in PEM format without a passphrase");
  }
  const bool fits = ::SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) == 1 &&
                    ::SSL_CTX_check_private_key(context.native_handle()) == 1;
  ::ERR_clear_error();
  if (!fits) {
    throw SetupError("tls.key_file " + options.key_file + " is not the key of tls.cert_file " + options.cert_file +
                     "; renew them together");
  }
}

}  // namespace

ssl::context make_tls_context(const TlsOptions& options) {
  ssl::context context(ssl::context::tls_client);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
#ifdef SSL_OP_CLEANSE_PLAINTEXT
  ::SSL_CTX_set_options(context.native_handle(), SSL_OP_CLEANSE_PLAINTEXT);  // records hold tokens
#endif
  if (options.ca_file.empty()) {
    boost::system::error_code error;
    context.set_default_verify_paths(error);
    if (error) throw SetupError("the system's authorities cannot be read: " + error.message());
  } else {
    trust(context, options.ca_file);
  }
  if (!options.cert_file.empty()) identify(context, options);
  return context;
}

}  // namespace jeton::agent::redis
