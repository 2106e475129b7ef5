// One HTTP exchange as an easy handle of libcurl: its setup, the redirects that it follows, the report of its end. Used
// on the thread of its HttpCall only.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "agent/config/text/http_url.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

class TransferSockets;

struct HttpOutcome {
  struct Failure {
    HttpError::Reason reason;
    std::string message;
  };
  bool aborted = false;            // cancelled, or the client was stopped
  std::optional<Failure> failure;  // if neither: the response counts
  HttpResponse response;           // with a failure: the part that had arrived
};

// The message of a timeout, for libcurl's own and for that of the watch.
[[nodiscard]] std::string no_answer_within(const std::string& display, Milliseconds timeout);

class Transfer {
 public:
  // `sockets` outlives it.
  Transfer(HttpRequest request, TransferSockets& sockets);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Creates and sets up the handle. False: the request cannot be sent, outcome() says why.
  [[nodiscard]] bool prepare();
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  // Frees the handle. Not while it is part of a multi handle.
  void close() { easy_.reset(); }

  // libcurl has finished with the handle. True: it is set up for a redirect and has to run again; false: outcome()
  // is final.
  [[nodiscard]] bool finished(CURLcode code);
  [[nodiscard]] HttpOutcome& outcome() { return outcome_; }

 private:
  void set_up();
  void set_up_callbacks();
  void set_up_route();
  void set_up_tls();
  void set_up_headers();
  void set_up_method();
  bool follow_redirect();
  void fail(HttpError::Reason reason, const std::string& message) { outcome_.failure = {reason, message}; }
  void explain(CURLcode code);
  bool explain_proxy(CURLcode code);
  // " through the proxy http://proxy.example.com:3128", if there is one.
  [[nodiscard]] std::string by_proxy() const;

  std::size_t on_body(const char* data, std::size_t size);
  std::size_t on_header(std::string_view line);

  struct SlistDeleter {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };
  struct EasyDeleter {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  };

  HttpRequest request_;
  TransferSockets& sockets_;
  HttpUrl where_;
  HttpOutcome outcome_;
  std::size_t header_bytes_ = 0;  // also of interim answers, trailers and proxies
  std::size_t header_lines_ = 0;
  int redirects_ = 0;
  Milliseconds spent_{0};  // by the hops before this one
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::unique_ptr<curl_slist, SlistDeleter> header_list_;
  std::unique_ptr<curl_slist, SlistDeleter> addresses_;  // for CURLOPT_CONNECT_TO
  std::unique_ptr<CURL, EasyDeleter> easy_;              // the last member: goes first, it uses the others
};

}  // namespace jeton::agent
