#include "tests/fuzz/api_trial.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "agent/api/server/connection.hpp"
#include "agent/base/log.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_timers.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;
using namespace std::chrono_literals;

constexpr char between_requests = '\xff';
constexpr Duration soon = 300ms;  // before the renewal of a lock of 5 s, a deadline or a heartbeat, which end it too

// A request line, headers that fit, and a body; `text` is "METHOD TARGET", a line feed and the body.
std::string request_of(std::string_view text, bool chunked) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(end + 1, text.size()));
  std::string request(text.substr(0, end));
  request += " HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n";
  if (!chunked) return request + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  std::array<char, 16> size{};
  const auto digits = std::to_chars(size.data(), size.data() + size.size(), body.size(), 16);
  request += "Transfer-Encoding: chunked\r\n\r\n";
  if (!body.empty()) request += std::string(size.data(), digits.ptr) + "\r\n" + std::string(body) + "\r\n";
  return request + "0\r\n\r\n";
}

std::string bytes_of(int form, std::string_view text) {
  if (form == 0) return std::string(text);
  if (form == 3) return "GET /v1/status HTTP/1.1\r\n" + std::string(text) + "\r\n\r\n";
  std::string bytes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(between_requests), text.size());
    bytes += request_of(text.substr(0, end), form == 2);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return bytes;
}

class ApiTrial {
 public:
  explicit ApiTrial(uid_t uid) : names_(timers_.clock()), status_(timers_) {
    static const test::TempDir directory;
    status_.add("api");
    status_.offer_locks(directory.path());
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw errno_error("socketpair");
    client_ = UniqueFd(ends[0]);
    ApiLimits limits;
    limits.header_bytes = 1024;  // so that small inputs reach the limits
    limits.body_bytes = 512;
    Connection::Context context{timers_, status_, names_, limits};
    context.on_lock_end = [](const Connection*) { return true; };
    const Peer peer{uid, uid, {}, 1};
    connection_ = Connection::start(timers_.executor(), UniqueFd(ends[1]), peer, std::move(context),
                                    [this](const Connection*) { ended_ = true; });
  }
  ApiTrial(const ApiTrial&) = delete;
  ApiTrial& operator=(const ApiTrial&) = delete;
  ~ApiTrial() {
    connection_->close();
    timers_.run_for(1min);
  }

  std::string run(std::string_view bytes, unsigned split) {
    while (!bytes.empty()) {
      const std::size_t size = split == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 1 + split % 97);
      split = split * 7 + split / 3;
      if (::send(client_.get(), bytes.data(), size, MSG_NOSIGNAL) < 0) break;
      bytes.remove_prefix(size);
      timers_.run_for(1ms);
      receive();
    }
    timers_.run_for(1s);
    receive();
    client_.reset();
    if (!timers_.run_until(timers_.clock().boot_now() + soon, [this] { return ended_; })) {
      return "a connection that outlives its client";
    }
    const auto has_none = [this] {
      const auto counts = status_.locks()->sessions();
      return counts.held == 0 && counts.waiting == 0;
    };
    if (!timers_.run_until(timers_.clock().boot_now() + soon, has_none)) return "a lock that outlives its client";
    return answer_complaint();
  }

 private:
  void receive() {
    std::array<char, 4096> chunk{};
    for (ssize_t size = 1; size > 0;) {
      size = ::recv(client_.get(), chunk.data(), chunk.size(), 0);
      if (size > 0) received_.append(chunk.data(), static_cast<std::size_t>(size));
    }
  }

  [[nodiscard]] std::string answer_complaint() const {
    if (received_.empty()) return {};
    if (!received_.starts_with("HTTP/1.1 ") && !received_.starts_with("HTTP/1.0 ")) return "an answer that is no HTTP";
    const bool failed = received_.find("500 Internal") != std::string::npos;
    return failed ? "an answer that says that the agent failed" : "";
  }

  test::VirtualTimers timers_;
  AccountNames names_;
  test::FakeStatus status_;
  UniqueFd client_;
  std::shared_ptr<Connection> connection_;
  bool ended_ = false;
  std::string received_;
};

}  // namespace

std::string try_api_request(std::string_view input) {
  if (input.size() < 2) return {};
  constexpr uid_t stranger = 65534;
  const unsigned split = static_cast<unsigned char>(input[1]);
  log::set_level(log::Level::error);
  try {
    ApiTrial trial(split % 2 == 0 ? ::geteuid() : stranger);
    return trial.run(bytes_of(static_cast<unsigned char>(input[0]) % forms_of_requests, input.substr(2)), split / 2);
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
