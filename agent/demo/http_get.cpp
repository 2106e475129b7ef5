#include "agent/demo/http_get.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "agent/base/unique_fd.hpp"

namespace jeton::agent::demo {
namespace {

constexpr timeval patience{0, 200'000};

// The server ends the connection behind its answer.
HttpAnswer get_from(const sockaddr* server, socklen_t size, const std::string& target, const std::string& fields) {
  const UniqueFd fd(::socket(server->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  // If the server has not started yet, or has ended, there is no answer.
  if (::connect(fd.get(), server, size) != 0) return {};
  const std::string request =
      "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + fields + "\r\n";
  const ssize_t sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) return {};
  std::string answer;
  std::array<char, 4096> piece{};
  ssize_t n = 0;
  while ((n = ::read(fd.get(), piece.data(), piece.size())) > 0)
    answer.append(piece.data(), static_cast<std::size_t>(n));
  const std::string start = "HTTP/1.1 ";
  const std::size_t head = answer.find("\r\n\r\n");
  if (n < 0 || !answer.starts_with(start) || head == std::string::npos) return {};
  return {static_cast<unsigned>(std::atoi(answer.c_str() + start.size())), answer.substr(head + 4)};
}

}  // namespace

HttpAnswer get_from_port(std::uint16_t port, const std::string& target, const std::string& authorization) {
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string field = authorization.empty() ? "" : "Authorization: " + authorization + "\r\n";
  return get_from(reinterpret_cast<const sockaddr*>(&server), sizeof server, target, field);
}

HttpAnswer get_from_socket(const std::string& socket, const std::string& target) {
  sockaddr_un server{};
  server.sun_family = AF_UNIX;
  if (socket.size() >= sizeof server.sun_path) return {};  // the agent ends and says so
  std::memcpy(server.sun_path, socket.data(), socket.size());
  return get_from(reinterpret_cast<const sockaddr*>(&server), sizeof server, target, {});
}

}  // namespace jeton::agent::demo
