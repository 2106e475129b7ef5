// HttpClient: the real HttpTransport, by libcurl, each request on a thread of its own, so that neither DNS nor TLS nor
// a server ever holds up the loop or another server's requests.
//
// perform() is called on the caller's loop and resumes there. The loop itself enforces the request's timeout and the
// limit of received bytes: it shuts the sockets down and resumes the caller, whether libcurl returns or not. A server
// that lets many requests hang delays only its own (http_threads.hpp). Only http and https, TLS 1.2 or later with
// verification, no cookies, no .netrc, no content encodings. The client has to be stopped, or destroyed, before the
// io_context of its callers: pending calls then end with operation_aborted. It cannot be used after fork().
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "agent/http/http.hpp"
#include "agent/http/http_threads.hpp"

namespace jeton::agent {

class HttpClient final : public HttpTransport {
 public:
  // Throws Error if libcurl cannot be started.
  HttpClient();

  Task<HttpResponse> perform(HttpRequest request) override;

  // To one scheme, host and port; HttpThreads::usual_threads_per_origin unless it is called.
  void limit_connections(std::size_t per_host) { threads_.limit(per_host); }

  // As HttpThreads::keep_idle().
  void keep_idle(std::chrono::milliseconds for_so_long) { threads_.keep_idle(for_so_long); }

  // Ends every request, in a second at most. Idempotent; perform() then throws operation_aborted at once.
  void stop() { threads_.stop(); }

  // As HttpThreads::stuck_server().
  [[nodiscard]] std::string stuck_server(std::chrono::nanoseconds since) const { return threads_.stuck_server(since); }

 private:
  HttpThreads threads_;
};

}  // namespace jeton::agent
