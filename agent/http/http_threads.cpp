#include "agent/http/http_threads.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/log.hpp"
#include "agent/base/thread.hpp"
#include "agent/http/http_call.hpp"

namespace jeton::agent {
namespace {

using CallPtr = std::shared_ptr<HttpCall>;

// A thread whose sockets were shut down needs milliseconds.
constexpr std::chrono::seconds stop_patience{1};

}  // namespace

struct HttpThreads::State : std::enable_shared_from_this<State> {
  struct Origin {
    std::size_t threads = 0;
    std::size_t idle = 0;  // of them: each takes a call that waits
    std::deque<CallPtr> waiting;
    std::condition_variable changed;  // for the idle ones
  };
  struct Running {
    std::thread thread;
    CallPtr call;  // null: idle
  };

  // Calls that were given up must not gather behind those that never end.
  static void drop_given_up(Origin& origin) {
    std::erase_if(origin.waiting, [](const CallPtr& call) { return call->given_up(); });
  }

  void run(const std::string& origin, CallPtr call) {
    auto line = std::make_unique<HttpLine>();
    while (call != nullptr) {
      call->run(*line);
      const bool is_kept = !call->given_up();
      forget_call();
      call.reset();  // with its secrets
      CallPtr next = next_of(origin, is_kept ? Thread::may_wait : Thread::goes_on);
      // Before the thread counts as ended: to close connections may take a moment.
      if (next == nullptr || !is_kept) line.reset();
      if (next == nullptr) next = next_of(origin, Thread::may_end);
      if (next != nullptr && line == nullptr) line = std::make_unique<HttpLine>();
      call = std::move(next);
    }
  }

  // Threads for the calls that no idle thread takes, up to the limit. Throws if the system has none; the calls still
  // wait.
  void start_threads(Origin& origin) {
    while (origin.waiting.size() > origin.idle && origin.threads < most_per_origin) {
      const CallPtr call = origin.waiting.front();
      // The lock is held until the thread is entered, so that it finds itself there.
      std::thread thread = start_without_signals("jeton-http", [state = shared_from_this(), first = call]() mutable {
        const std::string name = first->origin();
        state->run(name, std::move(first));
      });
      const std::thread::id id = thread.get_id();
      running.emplace(id, Running{std::move(thread), call});
      origin.waiting.pop_front();
      ++origin.threads;
    }
  }

  void forget_call() {
    const std::lock_guard lock(mutex);
    const auto self = running.find(std::this_thread::get_id());
    if (self != running.end()) self->second.call.reset();
  }

  // The next call of this origin; null: there is none, or the limit is lower now, and a thread that may end does.
  enum class Thread { may_wait, goes_on, may_end };
  CallPtr next_of(const std::string& name, Thread thread) {
    std::unique_lock lock(mutex);
    Origin& origin = origins.at(name);
    drop_given_up(origin);
    if (thread == Thread::may_wait && origin.waiting.empty()) {
      ++origin.idle;
      origin.changed.wait_for(lock, idle_for,
                              [&] { return stopping || !origin.waiting.empty() || origin.threads > most_per_origin; });
      --origin.idle;
      drop_given_up(origin);
    }
    const auto self = running.find(std::this_thread::get_id());
    if (!origin.waiting.empty() && origin.threads <= most_per_origin) {
      CallPtr next = std::move(origin.waiting.front());
      origin.waiting.pop_front();
      if (self != running.end()) self->second.call = next;
      return next;
    }
    if (thread != Thread::may_end) return nullptr;
    if (--origin.threads == 0) origins.erase(name);
    // A thread that is not found was left behind.
    if (self != running.end()) {
      ended_threads.push_back(std::move(self->second.thread));
      running.erase(self);
      changed.notify_all();
    }
    return nullptr;
  }

  // Does not wait: these threads use nothing of this object any more.
  void join_ended() {
    std::vector<std::thread> ended;
    {
      const std::lock_guard lock(mutex);
      ended.swap(ended_threads);
    }
    for (std::thread& thread : ended) thread.join();
  }

  std::mutex mutex;
  std::condition_variable changed;  // a thread ends
  bool stopping = false;            // this and all below: guarded by mutex
  std::size_t most_per_origin = usual_threads_per_origin;
  std::chrono::milliseconds idle_for{1000};
  std::map<std::string, Origin> origins;  // those with threads
  std::map<std::thread::id, Running> running;
  std::vector<std::thread> ended_threads;
};

HttpThreads::HttpThreads() : state_(std::make_shared<State>()) {}

void HttpThreads::limit(std::size_t threads_per_origin) {
  const std::lock_guard lock(state_->mutex);
  state_->most_per_origin = std::max<std::size_t>(threads_per_origin, 1);
  if (state_->stopping) return;
  for (auto& [name, origin] : state_->origins) {
    origin.changed.notify_all();
    try {
      state_->start_threads(origin);
    } catch (const std::system_error&) {
      // Its threads take the calls over.
    }
  }
}

void HttpThreads::keep_idle(std::chrono::milliseconds for_so_long) {
  const std::lock_guard lock(state_->mutex);
  state_->idle_for = for_so_long;
}

HttpThreads::~HttpThreads() { stop(); }

void HttpThreads::submit(const CallPtr& call) {
  state_->join_ended();
  std::unique_lock lock(state_->mutex);
  if (state_->stopping) {
    lock.unlock();
    return call->abort();
  }
  State::Origin& origin = state_->origins[call->origin()];
  if (origin.threads >= state_->most_per_origin) State::drop_given_up(origin);
  origin.waiting.push_back(call);
  if (origin.idle > 0) origin.changed.notify_one();
  try {
    state_->start_threads(origin);
  } catch (const std::system_error& e) {
    if (origin.threads > 0) return;  // one of them takes the call over
    state_->origins.erase(call->origin());
    lock.unlock();
    call->fail(HttpError::Reason::connect, std::string("cannot start a thread for a request: ") + e.what());
  }
}

std::string HttpThreads::stuck_server(std::chrono::nanoseconds since) const {
  const std::lock_guard lock(state_->mutex);
  std::map<std::string, std::size_t> stuck;
  for (const auto& [id, running] : state_->running) {
    if (running.call == nullptr || !running.call->is_stuck(since)) continue;
    const std::string& origin = running.call->origin();
    // There are more threads than the limit for a while after it was lowered.
    const std::size_t all = std::max(state_->most_per_origin, state_->origins.at(origin).threads);
    if (++stuck[origin] >= all) return origin;
  }
  return {};
}

void HttpThreads::stop() {
  std::vector<CallPtr> calls;
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  for (auto& [name, origin] : state_->origins) {
    for (CallPtr& call : origin.waiting) calls.push_back(std::move(call));
    origin.waiting.clear();
    origin.changed.notify_all();
  }
  for (const auto& [id, running] : state_->running) {
    if (running.call != nullptr) calls.push_back(running.call);
  }
  lock.unlock();
  for (const CallPtr& call : calls) call->abort();
  lock.lock();
  state_->changed.wait_for(lock, stop_patience, [this] { return state_->running.empty(); });
  for (auto& [id, running] : state_->running) running.thread.detach();
  const std::size_t left = state_->running.size();
  state_->running.clear();
  lock.unlock();
  state_->join_ended();
  if (left > 0)
    log::warning(log::http_abandoned, "HTTP requests did not end in time and are abandoned", {{"requests", left}});
}

}  // namespace jeton::agent
