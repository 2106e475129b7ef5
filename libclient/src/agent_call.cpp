#include "libclient/src/agent_call.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libclient/src/agent_socket.hpp"
#include "libclient/src/clock.hpp"
#include "libclient/src/descriptor.hpp"
#include "libclient/src/json_scan.hpp"

namespace jeton::client {
namespace {

constexpr std::size_t status_line_size = sizeof("HTTP/1.1 200");  // with its end: a blank
constexpr std::size_t longest_answer = 2048;                      // of one that is an error

// How many bytes came until `buffer` is full, the connection ends, or it is too late.
std::size_t receive_bytes(int fd, char* buffer, std::size_t capacity, std::int64_t deadline_ms) {
  std::size_t size = 0;
  while (size < capacity) {
    const ssize_t received = ::recv(fd, buffer + size, capacity - size, 0);
    if (received > 0) {
      size += static_cast<std::size_t>(received);
    } else if (received == 0 || (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLIN, deadline_ms)))) {
      break;
    }
  }
  return size;
}

// "HTTP/1.1 202 Accepted": as much of it as holds the number.
bool receive_status(int fd, int* status, std::int64_t deadline_ms) {
  char line[status_line_size] = {};
  if (receive_bytes(fd, line, sizeof(line), deadline_ms) < sizeof(line)) return false;
  if (std::memcmp(line, "HTTP/1.", 7) != 0) return false;
  *status = 0;
  for (const char* digit = line + 9; digit < line + 12; ++digit) {
    if (*digit < '0' || *digit > '9') return false;
    *status = *status * 10 + (*digit - '0');
  }
  return true;
}

// The text after that, up to the end of the connection: {"error": {"code": ..., "message": ...}}.
void receive_error(int fd, AgentError& error, std::int64_t deadline_ms) {
  char text[longest_answer];
  const std::size_t size = receive_bytes(fd, text, sizeof(text), deadline_ms);
  const char* end_of_head = static_cast<const char*>(::memmem(text, size, "\r\n\r\n", 4));
  if (end_of_head == nullptr) return;
  Json object;
  Json message;
  if (find_member({end_of_head + 4, text + size}, "error", object) && find_member(object, "message", message)) {
    read_text(message, error.message, sizeof(error.message));
  }
}

}  // namespace

AgentAnswer call_agent(const char* directory, const char* method, const char* path, const char* body, int* status,
                       AgentError* error) noexcept {
  const std::int64_t deadline_ms = monotonic_now_ms() + agent_call_timeout_ms;
  char request[512];  // a path holds a token's name, the body a number
  const int size = std::snprintf(request, sizeof(request),
                                 "%s %s HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                 method, path, std::strlen(body), body);
  if (size <= 0 || static_cast<std::size_t>(size) >= sizeof(request)) return AgentAnswer::unreachable;

  const Descriptor fd(connect_to_agent(directory, deadline_ms));
  if (fd.get() < 0) return lacks_descriptors() ? AgentAnswer::not_asked : AgentAnswer::unreachable;
  if (!send_all(fd.get(), request, static_cast<std::size_t>(size), deadline_ms)) return AgentAnswer::silent;
  if (!receive_status(fd.get(), status, deadline_ms)) return AgentAnswer::silent;
  if (error != nullptr && *status >= 400) receive_error(fd.get(), *error, deadline_ms);
  return AgentAnswer::answered;
}

}  // namespace jeton::client
