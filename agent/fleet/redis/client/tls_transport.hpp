// The TLS transport: a handshake over a connected socket, in which the server proves to be who was meant.
//
// The certificate must lead to a trusted authority and bear the host name, or the IP address, that was asked for. Every
// way to fail has a message of its own that says what to do.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "agent/fleet/redis/client/connecting.hpp"

namespace jeton::agent::redis {

// `name`: the host name or IP address that the certificate must bear; a host name is also sent as SNI.
Task<std::unique_ptr<Transport>> start_tls(Timers& timers, StreamSocket socket,
                                           std::shared_ptr<boost::asio::ssl::context> context, std::string name,
                                           BootTime deadline, ConnectAttempt& attempt);

}  // namespace jeton::agent::redis
