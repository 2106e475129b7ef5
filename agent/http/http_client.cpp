#include "agent/http/http_client.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "agent/http/curl_global.hpp"
#include "agent/http/transfer.hpp"

namespace jeton::agent {
namespace {

// A call that waits for its outcome. Both threads may want to end it: the worker with an answer, the loop by
// cancellation. Whoever claims it first calls complete, once.
struct Call {
  explicit Call(HttpRequest request) : transfer(std::move(request)) {}

  Transfer transfer;                          // the worker's
  std::function<void(HttpOutcome)> complete;  // posts to the caller's loop
  std::atomic<bool> claimed{false};

  void finish(HttpOutcome outcome) {
    if (!claimed.exchange(true)) std::exchange(complete, nullptr)(std::move(outcome));
  }
  void abort() {
    HttpOutcome outcome;
    outcome.aborted = true;
    finish(std::move(outcome));
  }
};
using CallPtr = std::shared_ptr<Call>;

// Signals are the loop's business.
std::thread start_without_signals(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(body));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread.native_handle(), "jeton-http");
    return thread;
  } catch (const std::system_error& e) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw Error(std::string("no thread for HTTP: ") + e.what());
  }
}

}  // namespace

class HttpClient::Worker {
 public:
  Worker() {
    initialise_curl();
    multi_ = ::curl_multi_init();
    if (multi_ == nullptr) throw Error("libcurl has no memory for its transfers");
    try {
      thread_ = start_without_signals([this] { run(); });
    } catch (const Error&) {
      ::curl_multi_cleanup(multi_);
      throw;
    }
  }
  ~Worker() {
    stop();
    ::curl_multi_cleanup(multi_);
  }

  void submit(CallPtr call) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        incoming_.push_back(std::move(call));
        ::curl_multi_wakeup(multi_);
        return;
      }
    }
    call->abort();
  }

  // On the loop. The caller resumes at once; the worker drops the connection when it next turns.
  void cancel(const CallPtr& call) {
    call->abort();
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(call);
    ::curl_multi_wakeup(multi_);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ::curl_multi_wakeup(multi_);
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (take_orders()) {
      int running = 0;
      ::curl_multi_perform(multi_, &running);
      finish_transfers();
      wipe_registers();                                        // the last bytes of a body
      ::curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);  // libcurl wakes earlier for timers of its own
    }
    for (const auto& [handle, call] : running_) {
      ::curl_multi_remove_handle(multi_, handle);
      call->abort();
    }
    running_.clear();
  }

  // Starts what is new and drops what was cancelled; false: time to stop.
  bool take_orders() {
    std::vector<CallPtr> incoming;
    std::vector<CallPtr> cancelled;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      incoming.swap(incoming_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (CallPtr& call : incoming) {
      if (stopping) {
        call->abort();
      } else if (!call->claimed) {
        start(call);
      }
    }
    for (const CallPtr& call : cancelled) drop(call);
    return !stopping;
  }

  void start(const CallPtr& call) {
    if (!call->transfer.prepare()) return call->finish(std::move(call->transfer.outcome()));
    running_.emplace(call->transfer.handle(), call);
    ::curl_multi_add_handle(multi_, call->transfer.handle());
  }

  void drop(const CallPtr& call) {
    const auto found = running_.find(call->transfer.handle());
    if (found == running_.end()) return;
    ::curl_multi_remove_handle(multi_, found->first);
    running_.erase(found);
  }

  void finish_transfers() {
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      // Copied first: removing the handle ends the life of the message.
      CURL* const handle = message->easy_handle;
      const CURLcode code = message->data.result;
      ::curl_multi_remove_handle(multi_, handle);
      const auto found = running_.find(handle);
      if (found->second->transfer.finished(code)) {
        ::curl_multi_add_handle(multi_, handle);
        continue;
      }
      const CallPtr call = found->second;
      running_.erase(found);
      call->finish(std::move(call->transfer.outcome()));
    }
  }

  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  std::vector<CallPtr> incoming_;     // guarded by mutex_
  std::vector<CallPtr> cancelled_;    // guarded by mutex_
  bool stopping_ = false;             // guarded by mutex_
  std::map<CURL*, CallPtr> running_;  // the worker's
  std::thread thread_;
};

HttpClient::HttpClient() : worker_(std::make_shared<Worker>()) {}

HttpClient::~HttpClient() { stop(); }

void HttpClient::stop() { worker_->stop(); }

Task<HttpResponse> HttpClient::perform(HttpRequest request) {
  const auto initiate = [worker = worker_, &request](auto handler) {
    auto call = std::make_shared<Call>(std::move(request));
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    // The loop must not run out of work while the worker has the only reference to the handler.
    auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                        boost::asio::execution::outstanding_work.tracked);
    // std::function wants something copyable; an Asio handler can only be moved.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    call->complete = [shared, slot, executor](HttpOutcome outcome) mutable {
      boost::asio::post(executor, [resumed = std::move(shared), slot, result = std::move(outcome)]() mutable {
        if (slot.is_connected()) slot.clear();
        std::move (*resumed)(std::move(result));
      });
    };
    if (slot.is_connected()) {
      slot.assign([weak_worker = std::weak_ptr(worker), weak = std::weak_ptr(call)](boost::asio::cancellation_type) {
        const auto pending = weak.lock();
        const auto alive = weak_worker.lock();
        if (pending && alive) alive->cancel(pending);
      });
    }
    worker->submit(std::move(call));
  };
  HttpOutcome outcome = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(HttpOutcome)>(
      initiate, boost::asio::use_awaitable);
  if (outcome.aborted) throw boost::system::system_error(boost::asio::error::operation_aborted);
  if (outcome.failure) throw HttpError(outcome.failure->reason, outcome.failure->message);
  co_return std::move(outcome.response);
}

}  // namespace jeton::agent
