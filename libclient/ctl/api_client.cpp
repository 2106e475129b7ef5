#include "libclient/ctl/api_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>

#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
namespace {

constexpr std::size_t largest_answer = std::size_t{64} * 1024 * 1024;  // bytes; a token takes about one KiB
constexpr const char* late = "the agent did not answer in time";
constexpr const char* broken = "the connection ended in the middle of the answer";

// Closes it at the end.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

  // False: not in time.
  [[nodiscard]] bool wait_for(short events, const Deadline& deadline) const {
    pollfd waiting{fd_, events, 0};
    while (!deadline.passed()) {
      const int ready = ::poll(&waiting, 1, static_cast<int>(deadline.remaining().value_or(Milliseconds(-1)).count()));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
    return false;
  }

 private:
  int fd_;
};

// Each returns the problem; nothing: success. An agent that has closed already may have sent the reason: EPIPE is no
// problem, the answer is read.
std::string send_all(const Socket& socket, std::string_view text, const Deadline& deadline) {
  while (!text.empty()) {
    if (!socket.wait_for(POLLOUT, deadline)) return late;
    const ssize_t sent = ::send(socket.fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE) {
      return {};
    } else if (errno != EAGAIN && errno != EINTR) {
      return std::generic_category().message(errno);
    }
  }
  return {};
}

std::string receive_all(const Socket& socket, std::string& text, const Deadline& deadline) {
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    if (!socket.wait_for(POLLIN, deadline)) return late;
    const ssize_t size = ::recv(socket.fd(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    const bool closed = size == 0 || (size < 0 && errno == ECONNRESET);  // reset: with our request unread
    if (closed) return {};
    if (size > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(size));
    } else if (errno != EAGAIN && errno != EINTR) {
      return std::generic_category().message(errno);
    }
    if (text.size() > largest_answer) return "the answer is too large";
  }
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

// "HTTP/1.0 200 OK", headers, an empty line, the body. Of HTTP/1.0 that ends with the connection; it is whole if it has
// the length that the agent gave.
std::string take_apart(std::string_view received, ApiAnswer& answer) {
  constexpr std::string_view length_header = "\r\nContent-Length: ";
  const std::size_t head_size = received.find("\r\n\r\n");
  if (head_size == std::string_view::npos) return broken;
  const std::string_view head = received.substr(0, head_size);
  const std::size_t blank = head.find(' ');
  if (!head.starts_with("HTTP/1.") || blank == std::string_view::npos) return "the answer is not HTTP";
  if (!read_number(head.substr(blank + 1), answer.status)) return "the answer is not HTTP";
  answer.text = received.substr(head_size + 4);
  const std::size_t found = head.find(length_header);
  std::size_t length = 0;
  const bool has_length =
      found != std::string_view::npos && read_number(head.substr(found + length_header.size()), length);
  return has_length && length != answer.text.size() ? broken : "";
}

std::string error_member(const Json& body, const char* name) {
  const Json& text = member(member(body, "error"), name);
  return text.is_string() ? text.get<std::string>() : std::string();
}

}  // namespace

const Json& member(const Json& answer, const char* name) {
  static const Json none;
  if (!answer.is_object()) return none;
  const auto found = answer.find(name);
  return found == answer.end() ? none : *found;
}

std::optional<std::int64_t> number_of(const Json& answer, const char* name) {
  const Json& value = member(answer, name);
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::string text_of(const Json& answer, const char* name) {
  const Json& text = member(answer, name);
  return text.is_string() ? printable(text.get<std::string>()) : std::string();
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string ApiAnswer::error_code() const { return error_member(body, "code"); }
std::string ApiAnswer::error_message() const {
  if (error_code() == "not_found") return "the running agent does not know this request; restart it after an upgrade";
  return error_member(body, "message");
}

std::string ApiAnswer::why() const {
  if (!problem.empty()) return problem;
  const std::string said = error_message();
  return "it answered " + std::to_string(status) + (said.empty() ? "" : ", " + said);
}

ApiAnswer ApiClient::post(const std::string& path, const Json& body, Milliseconds patience) const {
  return call("POST", path, body_text(body), patience);
}

ApiAnswer ApiClient::call(const char* method, const std::string& path, const std::string& body,
                          Milliseconds patience) const {
  ApiAnswer answer;
  const Socket socket(connect_to_agent(socket_));
  if (socket.fd() < 0) {
    answer.absent = is_absent(errno);
    answer.problem = socket_.string() + ": " + connect_problem(errno);
    return answer;
  }
  const Deadline deadline(patience);
  std::string received;
  answer.problem = send_all(socket, request_text(method, path, body), deadline);
  if (answer.problem.empty()) answer.problem = receive_all(socket, received, deadline);
  if (answer.problem.empty()) answer.problem = take_apart(received, answer);
  if (!answer.problem.empty()) {
    answer.problem = socket_.string() + ": " + answer.problem;
    return answer;
  }
  answer.body = Json::parse(answer.text, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  return answer;
}

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

bool is_absent(int error) { return error == ENOENT || error == ECONNREFUSED; }

std::string body_text(const Json& body) {
  try {
    return body.dump();
  } catch (const Json::type_error&) {
    throw Failure(Exit::error, "a text of the request is not UTF-8");
  }
}

std::string request_text(const std::string& method, const std::string& path, const std::string& body) {
  std::string text = method + " " + path + " HTTP/1.0\r\nHost: agent\r\n";
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

}  // namespace jeton::ctl
