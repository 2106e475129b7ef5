#include "tests/endurance/clients.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <jeton/client.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "tests/support/unix_http.hpp"

namespace jeton::endurance {
namespace {

using agent::UniqueFd;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t lock_users = 8;
constexpr std::size_t locks = 20;
constexpr std::size_t most_idle = 64;  // connections that send half a request

UniqueFd connect_to(const std::filesystem::path& directory) {
  return test::connect_to_unix(directory / "agent.sock", SOCK_NONBLOCK);
}

bool say(const UniqueFd& fd, std::string_view text) {
  return fd && ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// A connection that follows the token; it is opened again when it has ended.
class Stream {
 public:
  explicit Stream(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // The lines that have come. No value: it had to be opened.
  std::optional<std::size_t> look() {
    if (!fd_) {
      fd_ = connect_to(directory_);
      if (!say(fd_, "GET /v1/tokens/api/events HTTP/1.1\r\nHost: agent\r\n\r\n")) fd_.reset();
      return std::nullopt;
    }
    std::size_t lines = 0;
    for (std::array<char, 4096> chunk{};;) {
      const ssize_t size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
      if (size > 0) lines += static_cast<std::size_t>(std::count(chunk.data(), chunk.data() + size, '\n'));
      if (size == 0 || (size < 0 && errno != EAGAIN)) fd_.reset();
      if (size <= 0) return lines;
    }
  }

 private:
  std::filesystem::path directory_;
  UniqueFd fd_;
};

}  // namespace

Clients::Clients(std::vector<std::filesystem::path> directories, std::size_t readers, std::size_t streams)
    : directories_(std::move(directories)) {
  start([this, readers] { read(readers); });
  start([this, streams] { follow(streams); });
  for (std::size_t user = 0; user < lock_users; ++user) start([this, user] { take_locks(user); });
  start([this] { disturb(); });
}

void Clients::stop() {
  over_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::map<std::string, std::uint64_t> Clients::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Clients::start(std::function<void()> work) {
  threads_.emplace_back([this, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& e) {
      count(std::string("failed: ") + e.what());
    }
  });
}

void Clients::count(const std::string& operation, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  counts_[operation] += times;
}

bool Clients::pause(milliseconds time) const {
  for (const auto end = std::chrono::steady_clock::now() + time; !over_;) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, milliseconds(100)));
  }
  return false;
}

void Clients::read(std::size_t readers) {
  std::vector<std::unique_ptr<Token>> tokens;
  for (std::size_t i = 0; i < readers; ++i) {
    Options options;
    options.directory = directories_[i % directories_.size()];
    tokens.push_back(std::make_unique<Token>("api", options));
  }
  while (pause(seconds(1))) {
    for (const auto& token : tokens) {
      const auto copy = token->read();
      count(copy ? "reads" : std::string("reads that found ") + copy.status().name());
    }
  }
}

void Clients::follow(std::size_t streams) {
  std::vector<Stream> all;
  for (std::size_t i = 0; i < streams; ++i) all.emplace_back(directories_[i % directories_.size()]);
  while (pause(milliseconds(200))) {
    for (Stream& stream : all) {
      const auto lines = stream.look();
      count(lines ? "lines of streams" : "streams opened", lines.value_or(1));
    }
  }
}

void Clients::take_locks(std::size_t user) {
  for (std::size_t turn = user; pause(milliseconds(20)); turn += lock_users) {
    LockOptions options;
    options.directory = directories_[turn % directories_.size()];
    options.ttl = seconds(5);
    Lock lock("job-" + std::to_string(turn % locks), options);
    const Status status = lock.acquire(seconds(2));
    count(status.ok() ? "locks taken" : std::string("locks refused: ") + status.name());
    if (status.ok()) static_cast<void>(lock.unlock());
  }
}

// What a broken or hostile program of the host does to the local API, by turns at every agent.
void Clients::disturb() {
  std::deque<UniqueFd> idle;
  for (std::size_t turn = 0; pause(milliseconds(50)); ++turn) {
    const std::filesystem::path& directory = directories_[turn % directories_.size()];
    UniqueFd client = connect_to(directory);
    switch (turn / directories_.size() % 4) {
      case 0:  // slow: half a request
        if (say(client, "POST /v1/locks/job/acquire HTTP/1.1\r\nContent-Le")) idle.push_back(std::move(client));
        if (idle.size() > most_idle) idle.pop_front();
        break;
      case 1:
        say(client, std::string(100'000, 'x'));
        break;
      case 2:  // goes away with its answer under way
        say(client, "GET /v1/status HTTP/1.1\r\nHost: agent\r\n\r\nGET /metrics HTTP/1.1\r\nHost: agent\r\n\r\n");
        break;
      default: {  // too many
        std::vector<UniqueFd> crowd;
        for (int i = 0; i < 100; ++i) crowd.push_back(connect_to(directory));
        for (const UniqueFd& one : crowd) say(one, "GET /live HTTP/1.1\r\n");
      }
    }
    count("disturbances");
  }
}

}  // namespace jeton::endurance
