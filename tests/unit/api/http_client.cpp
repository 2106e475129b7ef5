#include "tests/unit/api/http_client.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "tests/support/eventually.hpp"

namespace jeton::test {
namespace {

agent::UniqueFd connected(const std::filesystem::path& path) {
  agent::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect " + path.string() + ": " + std::strerror(errno));
  }
  return fd;
}

agent::UniqueFd connected_to(std::uint16_t port) {
  agent::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  }
  return fd;
}

// Credentials belong to a thread in Linux; only glibc's wrappers change those of all. So a thread of its own becomes
// somebody else, connects and ends, and the test goes on as it was.
agent::UniqueFd connected_as(const std::filesystem::path& path, const Identity& identity) {
  agent::UniqueFd fd;
  std::string problem;
  std::thread([&] {
    if (::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) != 0 ||
        ::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) != 0 ||
        ::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) != 0) {
      problem = "cannot become another user";
      return;
    }
    try {
      fd = connected(path);
    } catch (const std::exception& e) {
      problem = e.what();
    }
  }).join();
  if (!problem.empty()) throw std::runtime_error(problem);
  return fd;
}

}  // namespace

HttpClient::HttpClient(const std::filesystem::path& socket) : socket_(connected(socket)) {}

HttpClient::HttpClient(std::uint16_t port) : socket_(connected_to(port)) {}

HttpClient::HttpClient(const std::filesystem::path& socket, const Identity& identity)
    : socket_(connected_as(socket, identity)) {}

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

HttpAnswer HttpClient::get(std::string_view path, std::string_view method, std::string_view headers) {
  send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
       "\r\n");
  return read_answer(method == "HEAD");
}

HttpAnswer HttpClient::read_answer(bool head) {
  HttpAnswer answer = read_header();
  if (!head) answer.body = take(std::stoul(answer.headers.at("content-length")));
  return answer;
}

HttpAnswer HttpClient::open_stream(std::string_view path) {
  send("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return read_stream_header();
}

HttpAnswer HttpClient::open_posted_stream(std::string_view path, std::string_view json, std::string_view headers) {
  send("POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
       "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + std::string(json));
  return read_stream_header();
}

HttpAnswer HttpClient::read_stream_header() {
  HttpAnswer answer = read_header();
  if (answer.headers.count("content-length") != 0) answer.body = take(std::stoul(answer.headers["content-length"]));
  return answer;
}

std::optional<std::string> HttpClient::read_line() {
  const std::size_t size = std::stoul(take_until("\r\n"), nullptr, 16);
  std::string line = take(size + 2);
  line.resize(size);
  if (size == 0) return std::nullopt;
  if (line.back() != '\n') throw std::runtime_error("a chunk is not one line: " + line);
  line.pop_back();
  return line;
}

void HttpClient::read_to_end() {
  while (fill()) input_.clear();
}

void HttpClient::shut_down_writing() { ::shutdown(socket_.get(), SHUT_WR); }

void HttpClient::vanish() {
  sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &drop_all};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    throw std::runtime_error("SO_ATTACH_FILTER");
  }
}

// False: the other side has closed.
bool HttpClient::fill() {
  pollfd wait{socket_.get(), POLLIN, 0};
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  if (::poll(&wait, 1, static_cast<int>(limit)) != 1) throw std::runtime_error("no answer in time");
  std::array<char, 16 * 1024> buffer;
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n <= 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(n));
  return true;
}

std::string HttpClient::take_until(std::string_view end) {
  std::size_t at = input_.find(end);
  for (; at == std::string::npos; at = input_.find(end)) {
    if (!fill()) throw std::runtime_error("closed after: " + input_);
  }
  std::string text = take(at + end.size());
  text.resize(at);
  return text;
}

std::string HttpClient::take(std::size_t size) {
  while (input_.size() < size) {
    if (!fill()) throw std::runtime_error("closed after: " + input_);
  }
  std::string text = input_.substr(0, size);
  input_.erase(0, size);
  return text;
}

HttpAnswer HttpClient::read_header() {
  HttpAnswer answer;
  const std::string first = take_until("\r\n");
  answer.status = std::stoi(first.substr(first.find(' ') + 1));
  for (std::string line = take_until("\r\n"); !line.empty(); line = take_until("\r\n")) {
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
  }
  return answer;
}

}  // namespace jeton::test
