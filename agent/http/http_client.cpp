#include "agent/http/http_client.hpp"

#include <curl/curl.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"
#include "agent/http/http_call.hpp"

namespace jeton::agent {
namespace {

// libcurl is initialised once in the process, with an allocator that wipes what it frees: URLs, headers and receive
// buffers of libcurl hold secrets.
void wiping_free(void* p) {
  if (p == nullptr) return;
  wipe(p, ::malloc_usable_size(p));
  std::free(p);
}

// realloc() may leave the old bytes behind, so memory moves by hand.
void* wiping_realloc(void* old, std::size_t size) {
  if (old == nullptr) return std::malloc(size);
  const std::size_t old_size = ::malloc_usable_size(old);
  if (size != 0 && size <= old_size && size > old_size / 2) return old;
  void* moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, old, size < old_size ? size : old_size);
  wiping_free(old);
  return moved;
}

void initialise_curl() {
  static const CURLcode result =
      ::curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free, wiping_realloc, ::strdup, std::calloc);
  if (result != CURLE_OK) throw Error(std::string("libcurl cannot start: ") + ::curl_easy_strerror(result));
}

// A thread that was left behind may be inside OpenSSL when the process ends: what it uses must stay. OpenSSL heeds this
// in the first call of the process only, so it is made before main.
[[maybe_unused]] const int openssl_stays = ::OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

constexpr std::chrono::milliseconds look_interval{100};
// libcurl keeps the same time, and has a more precise message.
constexpr std::chrono::milliseconds head_start{250};

// Enforces the timeout of one call and the limit of received bytes, from the caller's loop: neither depends on libcurl
// returning. One thread: the loop's.
class HttpWatch : public std::enable_shared_from_this<HttpWatch> {
 public:
  // Holds the call only during a check.
  HttpWatch(const boost::asio::any_io_executor& executor, const std::shared_ptr<HttpCall>& call)
      : timer_(executor), call_(call), deadline_(Clock::now() + call->timeout() + head_start) {}

  void start() { look_later(); }
  // The call has its outcome.
  void stop() {
    call_.reset();
    timer_.cancel();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void look_later() {
    timer_.expires_at(std::min(Clock::now() + look_interval, deadline_));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled) self->look();
    });
  }

  void look() {
    const std::shared_ptr<HttpCall> call = call_.lock();
    if (call == nullptr) return;
    if (Clock::now() >= deadline_) return call->time_out();
    if (call->is_flooded()) return call->refuse_flood();
    look_later();
  }

  boost::asio::steady_timer timer_;
  std::weak_ptr<HttpCall> call_;
  Clock::time_point deadline_;
};

}  // namespace

HttpClient::HttpClient() { initialise_curl(); }

Task<HttpResponse> HttpClient::perform(HttpRequest request) {
  const auto initiate = [this, &request](auto handler) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    // The loop must not run out of work while another thread has the only reference to the handler.
    auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                        boost::asio::execution::outstanding_work.tracked);
    // std::function wants something copyable; an Asio handler can only be moved. The watch exists after the call.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto watch = std::make_shared<std::shared_ptr<HttpWatch>>();
    const auto complete = [shared, slot, executor, watch](HttpOutcome outcome) mutable {
      boost::asio::post(executor, [resumed = std::move(shared), slot, watching = std::move(watch),
                                   result = std::move(outcome)]() mutable {
        (*watching)->stop();
        if (slot.is_connected()) slot.clear();
        std::move (*resumed)(std::move(result));
      });
    };
    const auto call = std::make_shared<HttpCall>(std::move(request), complete);
    *watch = std::make_shared<HttpWatch>(executor, call);
    (*watch)->start();
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(call)](boost::asio::cancellation_type) {
        if (const auto pending = weak.lock()) pending->abort();
      });
    }
    threads_.submit(call);
  };
  HttpOutcome outcome = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(HttpOutcome)>(
      initiate, boost::asio::use_awaitable);
  if (outcome.aborted) throw boost::system::system_error(boost::asio::error::operation_aborted);
  if (outcome.failure) {
    throw HttpError(outcome.failure->reason, outcome.failure->message, std::move(outcome.response));
  }
  co_return std::move(outcome.response);
}

}  // namespace jeton::agent
