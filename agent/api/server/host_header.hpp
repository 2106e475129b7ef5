// Checks the header Host against DNS rebinding. In that attack a foreign web page gives its own name the address
// 127.0.0.1, so that its script, in a browser on this host, can read answers of local servers. The browser sends that
// name as Host, so a server on loopback answers only to names of loopback. Pure functions, any thread.
#pragma once

#include <string_view>

namespace jeton::agent {

// "localhost", an address of 127.0.0.0/8 or "[::1]", each with any port: a tunnel may have another one. Also an empty
// one: every browser sends it.
[[nodiscard]] bool is_loopback_host(std::string_view host);
// The address itself, without brackets or port.
[[nodiscard]] bool is_loopback_address(std::string_view address);

}  // namespace jeton::agent
