#include "agent/http/http_call.hpp"

#include <memory>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/http/transfer_setup.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;

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
      transfer_(std::move(request)),
      complete_(std::move(complete)) {}

// During run(), for give_up() on another thread: it sees these sockets, or run() sees that the call was given up.
class HttpCall::UsedSockets {
 public:
  UsedSockets(HttpCall& call, std::shared_ptr<TransferSockets> sockets) : call_(call) {
    sockets->begin();
    const std::lock_guard lock(call_.sockets_mutex_);
    call_.sockets_ = std::move(sockets);
  }
  ~UsedSockets() {
    const std::lock_guard lock(call_.sockets_mutex_);
    call_.sockets_ = nullptr;
  }
  UsedSockets(const UsedSockets&) = delete;
  UsedSockets& operator=(const UsedSockets&) = delete;

 private:
  HttpCall& call_;
};

bool HttpCall::is_flooded() const {
  const std::lock_guard lock(sockets_mutex_);
  return sockets_ != nullptr && sockets_->received() > max_received_;
}

void HttpCall::deliver(HttpOutcome outcome) {
  if (!delivered_.exchange(true)) std::exchange(complete_, nullptr)(std::move(outcome));
}

void HttpCall::run(HttpLine& line) {
  started_ = true;
  if (line.sockets->wake_fd() < 0) {
    return fail(Reason::connect, display_ + ": the agent has no file descriptor left for a request; raise LimitNOFILE");
  }
  line.close_unless_for(transfer_.route());
  // One handle that drives one transfer: libcurl serves no other call on this thread.
  CURLM* const multi = line.multi.get();
  if (multi == nullptr) return fail(Reason::broken, display_ + ": libcurl has no memory for a transfer");
  const UsedSockets used(*this, line.sockets);
  if (!transfer_.prepare(*line.sockets)) return deliver(std::move(transfer_.outcome()));
  ::curl_multi_add_handle(multi, transfer_.handle());
  curl_waitfd wake{line.sockets->wake_fd(), CURL_WAIT_POLLIN, 0};
  bool running = true;
  while (running && !given_up_) {
    int count = 0;
    int left = 0;
    const CURLMcode turned = ::curl_multi_perform(multi, &count);
    if (turned != CURLM_OK) {
      fail(Reason::broken, display_ + ": " + ::curl_multi_strerror(turned));
      break;
    }
    const CURLMsg* const message = ::curl_multi_info_read(multi, &left);
    if (message != nullptr && message->msg == CURLMSG_DONE) {
      const CURLcode code = message->data.result;
      ::curl_multi_remove_handle(multi, transfer_.handle());
      running = transfer_.finished(code);
      if (running) ::curl_multi_add_handle(multi, transfer_.handle());
    }
    wipe_registers();  // the last bytes of a body
    // libcurl wakes earlier for timers of its own.
    if (running && message == nullptr) ::curl_multi_poll(multi, &wake, 1, 60'000, nullptr);
  }
  ::curl_multi_remove_handle(multi, transfer_.handle());
  deliver(std::move(transfer_.outcome()));
  transfer_.close();  // before the handle that drives it
}

void HttpCall::give_up(HttpOutcome outcome) {
  deliver(std::move(outcome));
  if (!given_up_) given_up_at_ = std::chrono::steady_clock::now();
  given_up_ = true;
  {
    const std::lock_guard lock(sockets_mutex_);
    if (sockets_ != nullptr) sockets_->shut_down();
  }
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
