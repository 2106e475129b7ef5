// The authorities and the client certificate of this host for a TLS handshake, read from their files at every call.
// Private to the transports, because the header is heavy.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

// TLS 1.2 at least. Throws SetupError that names the file.
[[nodiscard]] boost::asio::ssl::context make_tls_context(const TlsOptions& options);

}  // namespace jeton::agent::redis
