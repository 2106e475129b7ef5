#include "agent/outputs/blocking_calls.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <exception>
#include <mutex>
#include <set>
#include <utility>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/thread.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// The files about which a thread is at work. Shared with the threads, which may outlive the agent's objects.
struct ThreadedCalls::Busy {
  bool enter(const std::string& what) {
    const std::lock_guard lock(mutex);
    return names.insert(what).second;
  }
  void leave(const std::string& what) {
    const std::lock_guard lock(mutex);
    names.erase(what);
  }

  std::mutex mutex;
  std::set<std::string> names;
};

// The part of a call that its thread has. It knows nothing of the loop, which may be gone when it ends: closing the
// pipe is its only message.
struct ThreadedCalls::Call {
  void run() {
    std::exception_ptr thrown;
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
    work = nullptr;
    wipe_registers();
    busy->leave(what);
    {
      const std::lock_guard lock(mutex);
      failure = thrown;
      done = true;
    }
    end.reset();
  }

  std::string what;
  std::function<void()> work;
  std::shared_ptr<Busy> busy;
  UniqueFd end;
  std::mutex mutex;
  bool done = false;  // this and below: guarded by mutex
  std::exception_ptr failure{};
};

namespace {

// The loop's end of the pipe. Held by shared_ptr: a read that is under way outlives it by a turn.
struct EndOfCall : std::enable_shared_from_this<EndOfCall> {
  explicit EndOfCall(Timers& timers) : ended(timers), pipe(timers.executor()) {}

  void watch(UniqueFd fd) {
    pipe.assign(fd.release());
    pipe.async_read_some(boost::asio::buffer(byte),
                         [self = shared_from_this()](boost::system::error_code /*end of file*/, std::size_t /*none*/) {
                           self->closed = true;
                           self->ended.notify();
                         });
  }

  Event ended;
  boost::asio::posix::stream_descriptor pipe;
  std::array<char, 1> byte{};
  bool closed = false;
};

// Ends the read, whether or not it was answered.
struct Closing {
  explicit Closing(std::shared_ptr<EndOfCall> e) : end(std::move(e)) {}
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing() {
    boost::system::error_code ignored;
    end->pipe.close(ignored);
  }
  std::shared_ptr<EndOfCall> end;
};

}  // namespace

ThreadedCalls::ThreadedCalls(Timers& timers, Duration patience)
    : timers_(timers), patience_(patience), busy_(std::make_shared<Busy>()) {}

ThreadedCalls::~ThreadedCalls() = default;

Task<> ThreadedCalls::run(std::string what, std::function<void()> work) {
  if (!busy_->enter(what)) throw file_system_hangs(what);
  const auto call = std::make_shared<Call>();
  call->what = what;
  call->work = std::move(work);
  call->busy = busy_;
  const Closing closing(std::make_shared<EndOfCall>(timers_));
  EndOfCall& end = *closing.end;
  try {
    Pipe ends = make_pipe(what + ": pipe");
    call->end = std::move(ends.write);
    end.watch(std::move(ends.read));
    start_without_signals("jeton-output", [call] { call->run(); }).detach();
  } catch (const Error&) {
    busy_->leave(what);
    throw;
  } catch (const std::exception& e) {
    busy_->leave(what);
    throw Error(what + ": cannot start a thread: " + e.what());
  }
  const BootTime until = timers_.clock().boot_now() + patience_;
  bool in_time = true;
  while (!end.closed && in_time) in_time = co_await end.ended.wait_until(until);
  const std::lock_guard lock(call->mutex);
  if (!call->done) throw file_system_hangs(what);
  if (call->failure) std::rethrow_exception(call->failure);
}

}  // namespace jeton::agent
