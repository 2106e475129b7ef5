#include "agent/api/server/host_header.hpp"

#include <boost/asio/ip/address.hpp>
#include <string>

#include "agent/base/ascii.hpp"

namespace jeton::agent {

bool is_loopback_address(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(std::string(address), error);
  return !error && parsed.is_loopback();
}

bool is_loopback_host(std::string_view host) {
  if (host.empty()) return true;
  if (host.front() == '[') {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_loopback_address(host.substr(1, end - 1));
  }
  const std::string_view name = host.substr(0, host.find(':'));
  return equal_ignoring_case(name, "localhost") || is_loopback_address(name);
}

}  // namespace jeton::agent
