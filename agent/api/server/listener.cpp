#include "agent/api/server/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace jeton::agent {
namespace {

constexpr int accepts_a_turn = 16;
constexpr auto pause_without_descriptors = std::chrono::milliseconds(200);

}  // namespace

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
