#include "tests/support/unix_http.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "agent/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::test {

agent::UniqueFd connect_to_unix(const std::filesystem::path& socket, int flags) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path) return {};
  std::strcpy(address.sun_path, socket.c_str());
  agent::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

namespace {

UnixHttpAnswer ask(const std::filesystem::path& socket, const std::string& request) {
  const agent::UniqueFd fd = connect_to_unix(socket);
  if (!fd) return {};
  const timeval limit{patience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return {};
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.") || body == std::string::npos) return {};
  return {std::atoi(answer.c_str() + 9), answer.substr(body + 4)};
}

std::string head(const std::string& method, const std::string& target) {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
}

}  // namespace

UnixHttpAnswer unix_http_get(const std::filesystem::path& socket, const std::string& target) {
  return ask(socket, head("GET", target) + "\r\n");
}

UnixHttpAnswer unix_http_post(const std::filesystem::path& socket, const std::string& target, const std::string& json) {
  return ask(socket, head("POST", target) + "Content-Type: application/json\r\nContent-Length: " +
                         std::to_string(json.size()) + "\r\n\r\n" + json);
}

}  // namespace jeton::test
