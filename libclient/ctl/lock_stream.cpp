#include "libclient/ctl/lock_stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

Failure not_taken(const std::filesystem::path& runtime_dir, const std::string& socket, int error) {
  ApiAnswer none;
  none.problem = socket + ": " + connect_problem(error);
  none.absent = is_absent(error);
  return no_answer(runtime_dir, none);
}

}  // namespace

LockStream::LockStream(const std::filesystem::path& runtime_dir, const std::string& name, const Json& body)
    : socket_(runtime_dir / "agent.sock") {
  const std::string request = request_text("POST", "/v1/locks/" + name, body_text(body));
  fd_ = connect_to_agent(socket_);
  if (fd_ < 0) throw not_taken(runtime_dir, socket_, errno);
  // An agent that has closed already may have said why: that is read then.
  const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size()) && !(sent < 0 && errno == EPIPE)) {
    const int error = errno;
    ::close(fd_);
    throw not_taken(runtime_dir, socket_, error);
  }
}

LockStream::~LockStream() { ::close(fd_); }

bool LockStream::read_some() {
  std::array<char, 4096> chunk{};
  const ssize_t size = ::recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (size > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) closed_ = true;
  return !closed_;
}

// "HTTP/1.0 200 OK", headers, an empty line.
bool LockStream::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::size_t space = buffer_.find(' ');
  status_ = space < end ? std::strtol(buffer_.c_str() + space, nullptr, 10) : 0;
  if (status_ == 0) status_ = 500;
  buffer_.erase(0, end + 4);
  return true;
}

std::optional<Json> LockStream::next() {
  if (status_ == 0 && !read_head()) return std::nullopt;
  if (status_ != 200 && !closed_) return std::nullopt;
  if (status_ != 200) {
    Json body = Json::parse(std::exchange(buffer_, {}), nullptr, false);
    return Json{{"event", "refused"}, {"status", std::exchange(status_, 200)}, {"body", std::move(body)}};
  }
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  Json event = Json::parse(buffer_.substr(0, end), nullptr, false);
  buffer_.erase(0, end + 1);
  if (!event.is_object() || !event.contains("event") || !event["event"].is_string()) return next();
  return event;
}

LockStream::EndResult LockStream::end(Milliseconds patience) {
  ::shutdown(fd_, SHUT_WR);
  const Deadline deadline(patience);
  EndResult result;
  for (;;) {
    while (const auto event = next()) {
      const std::string what = event->value("event", "");
      if (what == "released") result.confirmed = true;
      if (what == "lost") {
        result.lost = event->value("reason", "");
        result.lost_name = event->value("name", "");
      }
    }
    result.cut_off = closed_ && !result.confirmed && result.lost.empty();
    if (closed_ || deadline.passed()) return result;
    pollfd readable{fd_, POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(deadline.remaining()->count()) + 1);
    if (readable.revents != 0) read_some();
  }
}

}  // namespace jeton::ctl
