#include "libclient/ctl/connect.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace jeton::ctl {

// The socket does not block while it connects: a blocking connect waits without end for an agent that hangs.
int connect_to_agent(const std::string& socket, const std::function<void()>& pause) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int error = EAGAIN;
  for (int tries = 0; error == EAGAIN && tries < connect_tries; ++tries) {
    if (tries > 0) pause();
    error = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  }
  const int flags = ::fcntl(fd, F_GETFL);
  if (error == 0 && (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)) error = errno;
  if (error == 0) return fd;
  ::close(fd);
  errno = error;
  return -1;
}

std::string connect_problem(int error) {
  if (error == EAGAIN) return "the agent takes no more connections: its queue is full";
  return std::generic_category().message(error);
}

std::string request_text(const std::string& method, const std::string& path, const std::string& body) {
  std::string text = method + " " + path + " HTTP/1.0\r\nHost: agent\r\n";
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

}  // namespace jeton::ctl
