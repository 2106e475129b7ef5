#include "agent/http/http_call.hpp"

#include <sys/eventfd.h>

#include <memory>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/http/transfer_setup.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;

struct MultiDeleter {
  void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
};

std::string origin_of(const HttpRequest& request) {
  try {
    const HttpUrl url = parse_http_url(request.url.reveal());
    return (url.tls ? "https://" : "http://") + url.host + ":" + std::to_string(url.port);
  } catch (const Error&) {
    return {};  // Transfer reports the mistake
  }
}

// Framing, such as that of chunks and TLS records, may have three times the size of its content, and there is room for
// a handshake. A frame has at least one byte, so their number is limited too.
std::uint64_t max_received(const HttpRequest& request) {
  constexpr std::uint64_t handshake = 256 * 1024;
  return 4 * (request.max_body + max_header_bytes) + handshake;
}

}  // namespace

HttpCall::HttpCall(HttpRequest request, std::function<void(HttpOutcome)> complete)
    : timeout_(request.timeout),
      display_(request.display),
      origin_(origin_of(request)),
      max_received_(max_received(request)),
      transfer_(std::move(request), sockets_),
      complete_(std::move(complete)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void HttpCall::deliver(HttpOutcome outcome) {
  if (!delivered_.exchange(true)) std::exchange(complete_, nullptr)(std::move(outcome));
}

void HttpCall::run() {
  started_ = true;
  if (!wake_) {
    return fail(Reason::connect, display_ + ": the agent has no file descriptor left for a request; raise LimitNOFILE");
  }
  // One handle that drives one transfer: libcurl serves no other call on this thread.
  const std::unique_ptr<CURLM, MultiDeleter> multi(::curl_multi_init());
  if (multi == nullptr) return fail(Reason::broken, display_ + ": libcurl has no memory for a transfer");
  if (!transfer_.prepare()) return deliver(std::move(transfer_.outcome()));
  ::curl_multi_add_handle(multi.get(), transfer_.handle());
  curl_waitfd wake{wake_.get(), CURL_WAIT_POLLIN, 0};
  bool running = true;
  while (running && !given_up_) {
    int count = 0;
    int left = 0;
    const CURLMcode turned = ::curl_multi_perform(multi.get(), &count);
    if (turned != CURLM_OK) {
      fail(Reason::broken, display_ + ": " + ::curl_multi_strerror(turned));
      break;
    }
    const CURLMsg* const message = ::curl_multi_info_read(multi.get(), &left);
    if (message != nullptr && message->msg == CURLMSG_DONE) {
      const CURLcode code = message->data.result;
      ::curl_multi_remove_handle(multi.get(), transfer_.handle());
      running = transfer_.finished(code);
      if (running) ::curl_multi_add_handle(multi.get(), transfer_.handle());
    }
    wipe_registers();  // the last bytes of a body
    // libcurl wakes earlier for timers of its own.
    if (running && message == nullptr) ::curl_multi_poll(multi.get(), &wake, 1, 60'000, nullptr);
  }
  ::curl_multi_remove_handle(multi.get(), transfer_.handle());
  deliver(std::move(transfer_.outcome()));
  transfer_.close();  // before the handle that drives it
}

void HttpCall::give_up(HttpOutcome outcome) {
  deliver(std::move(outcome));
  if (!given_up_) given_up_at_ = std::chrono::steady_clock::now();
  given_up_ = true;
  sockets_.shut_down();
  ::eventfd_write(wake_.get(), 1);
}

void HttpCall::abort() {
  HttpOutcome outcome;
  outcome.aborted = true;
  give_up(std::move(outcome));
}

void HttpCall::fail(HttpError::Reason reason, const std::string& message) {
  HttpOutcome outcome;
  outcome.failure = {reason, message};
  give_up(std::move(outcome));
}

void HttpCall::time_out() {
  fail(Reason::timeout,
       started_ ? no_answer_within(display_, timeout_)
                : display_ +
                      " was not asked within source.timeout: earlier requests to the same server have no answer, or "
                      "this host is overloaded");
}

void HttpCall::refuse_flood() {
  fail(Reason::too_large,
       display_ + " sent more than " + std::to_string(max_received_) + " bytes without a usable answer");
}

}  // namespace jeton::agent
