// TLS for the transports: the settings of this host, and a handshake over a connected socket that checks the identity
// of the server. Private to them, because the header is heavy.
//
// The certificate must lead to a trusted authority and contain the requested host name or IP address. Each kind of
// failure has a message of its own that names the action to take.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "agent/fleet/redis/client/connecting.hpp"

namespace jeton::agent::redis {

// With the authorities and the client certificate of this host, read from their files at every call. TLS 1.2 at least.
// Throws SetupError that names the file. (tls_context.cpp)
[[nodiscard]] boost::asio::ssl::context make_tls_context(const TlsOptions& options);

// `name`: the host name or IP address that the certificate must bear; a host name is also sent as SNI.
Task<std::unique_ptr<Transport>> start_tls(Timers& timers, StreamSocket socket,
                                           std::shared_ptr<boost::asio::ssl::context> context, std::string name,
                                           BootTime deadline, ConnectAttempt& attempt);

}  // namespace jeton::agent::redis
