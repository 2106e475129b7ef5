#include "agent/http/http_client.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <utility>

#include "agent/http/curl_global.hpp"
#include "agent/http/http_watch.hpp"

namespace jeton::agent {

HttpClient::HttpClient() { initialise_curl(); }

void HttpClient::stop() { threads_.stop(); }

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
