#include "agent/api/server/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr int accepts_a_turn = 16;
constexpr auto pause_without_descriptors = std::chrono::milliseconds(200);
constexpr mode_t anybody = 0666;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) {
    throw Error(text + ": longer than the " + std::to_string(sizeof address.sun_path - 1) +
                " bytes a socket path may have; choose a shorter agent.runtime_dir");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

void remove_stale(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    throw errno_error(path.string());
  }
  if (!S_ISSOCK(found.st_mode)) throw Error(path.string() + ": exists and is not a socket; move it away");
  if (found.st_uid != ::geteuid()) {
    throw Error(path.string() + ": is a socket that belongs to user " + std::to_string(found.st_uid) + "; remove it");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw errno_error("cannot remove " + path.string());
}

}  // namespace

SocketFile::SocketFile(std::filesystem::path path) : path_(std::move(path)) {
  const std::filesystem::path temporary = path_.native() + "~";
  const sockaddr_un address = address_of(temporary);
  remove_stale(path_);
  remove_stale(temporary);

  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) throw errno_error("cannot make a local socket");
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw errno_error("cannot bind " + temporary.string());
  }
  struct stat made {};
  if (::chmod(temporary.c_str(), anybody) != 0 || ::lstat(temporary.c_str(), &made) != 0 ||
      ::listen(socket_.get(), SOMAXCONN) != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0) {
    const Error error = errno_error("cannot listen on " + path_.string());
    ::unlink(temporary.c_str());
    throw error;
  }
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

SocketFile::~SocketFile() {
  if (has_name()) ::unlink(path_.c_str());
}

bool SocketFile::has_name() const {
  struct stat found {};
  return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

// Held by shared_ptr: a handler that is queued in the loop may run one turn after the listener has gone.
class Listener::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(const Executor& executor, Timers& timers, Callbacks callbacks)
      : timers_(timers), callbacks_(std::move(callbacks)), socket_(executor) {}

  void listen(UniqueFd socket) {
    if (socket_.is_open()) {
      accept_waiting();
      boost::system::error_code ignored;
      socket_.close(ignored);
    }
    cancel_retry();
    socket_.assign(socket.get());
    socket.release();
    accept_next();
  }

  void close() {
    callbacks_ = {};
    boost::system::error_code ignored;
    socket_.close(ignored);
    cancel_retry();
  }

 private:
  void accept_next() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (error || !self->callbacks_.admit) return;
                         if (self->accept_waiting()) self->accept_next();
                       });
  }

  // False: there are no descriptors or no memory left; accepting goes on after a pause.
  bool accept_waiting() {
    for (int n = 0; n < accepts_a_turn; ++n) {
      UniqueFd client(::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client) {
        callbacks_.admit(std::move(client));
        continue;
      }
      if (errno == EAGAIN) return true;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      callbacks_.on_trouble(std::generic_category().message(errno));
      cancel_retry();
      retry_ = timers_.schedule(timers_.clock().boot_now() + pause_without_descriptors, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !self->callbacks_.admit) return;
        self->retry_ = 0;
        self->accept_next();
      });
      return false;
    }
    return true;
  }

  void cancel_retry() {
    if (retry_ != 0) timers_.cancel(std::exchange(retry_, 0));
  }

  Timers& timers_;
  Callbacks callbacks_;  // empty once it is closed
  boost::asio::posix::stream_descriptor socket_;
  Timers::Id retry_ = 0;
};

Listener::Listener(const Executor& executor, Timers& timers, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(executor, timers, std::move(callbacks))) {}

Listener::~Listener() { impl_->close(); }

void Listener::listen(UniqueFd socket) { impl_->listen(std::move(socket)); }

void Listener::close() { impl_->close(); }

}  // namespace jeton::agent
