// HttpClient: the real HttpTransport, by libcurl on one thread of its own, so that neither DNS nor TLS ever holds up
// the loop.
//
// perform() is called on the caller's loop and resumes there; transfers run in parallel. Only http and https, TLS 1.2
// or later with verification, no cookies, no .netrc, no content encodings. Has to be stopped, or destroyed, before the
// io_context of its callers: pending calls then end with operation_aborted. Not usable after fork().
#pragma once

#include <memory>

#include "agent/http/http.hpp"

namespace jeton::agent {

class HttpClient final : public HttpTransport {
 public:
  // Throws Error if libcurl or the thread cannot be started.
  HttpClient();
  ~HttpClient() override;

  Task<HttpResponse> perform(HttpRequest request) override;

  // Ends every transfer and joins the thread. Idempotent; perform() then throws operation_aborted at once.
  void stop();

 private:
  class Worker;
  std::shared_ptr<Worker> worker_;  // shared with the cancellation slots of pending calls
};

}  // namespace jeton::agent
