#include "agent/fleet/redis/client/dial.hpp"

#include <boost/asio/ip/address.hpp>
#include <utility>

namespace jeton::agent::redis {

bool is_name(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return false;
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(address.host, not_an_address);
  return not_an_address.failed();
}

Task<Dialed> dial(Timers& timers, NameResolver resolve, Connector connect, Address address, TlsOptions tls,
                  BootTime deadline, ConnectAttempt& attempt) {
  Dialed dialed;
  if (!is_name(address)) {
    dialed.ip = address.host;
    dialed.transport = co_await connect(timers, std::move(address), std::move(tls), deadline, attempt);
    co_return dialed;
  }
  if (tls.server_name.empty()) tls.server_name = address.host;
  const std::vector<std::string> found = co_await resolve(timers, address.host, deadline, attempt);
  std::string last_reason = "the name has no address";
  std::string setup_reason;
  for (std::size_t i = 0; i < found.size(); ++i) {
    // An address that swallows packets may not eat the time of the ones behind it.
    const BootTime now = timers.clock().boot_now();
    const BootTime share = now + (deadline - now) / static_cast<Duration::rep>(found.size() - i);
    Address one = address;
    one.host = found[i];
    try {
      dialed.transport = co_await connect(timers, std::move(one), tls, share, attempt);
      dialed.ip = found[i];
      co_return dialed;
    } catch (const SetupError& e) {
      setup_reason = e.what();
    } catch (const TransportError& e) {
      last_reason = e.what();
    }
  }
  // Where one address of a name is not reachable and another is not set up well, the latter is worth telling.
  if (!setup_reason.empty()) throw SetupError(setup_reason);
  throw TransportError(last_reason);
}

}  // namespace jeton::agent::redis
