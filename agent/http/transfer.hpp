// One HTTP exchange as an easy handle of libcurl: what it receives, the redirects that it follows, the report of its
// end. Used on the thread of its HttpCall only.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "agent/config/text/http_url.hpp"
#include "agent/http/http.hpp"
#include "agent/http/transfer_failure.hpp"
#include "agent/http/transfer_setup.hpp"

namespace jeton::agent {

class TransferSockets;

class Transfer {
 public:
  explicit Transfer(HttpRequest request);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Creates and sets up the handle. False: the request cannot be sent, outcome() says why. `sockets` outlives the
  // handle and the connections that libcurl keeps after it.
  [[nodiscard]] bool prepare(TransferSockets& sockets);
  [[nodiscard]] const HttpRoute& route() const { return request_.route; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  // Frees the handle. Not while it is part of a multi handle.
  void close() { easy_.reset(); }

  // libcurl has finished with the handle. True: it is set up for a redirect and has to run again; false: outcome()
  // is final.
  [[nodiscard]] bool finished(CURLcode code);
  [[nodiscard]] HttpOutcome& outcome() { return outcome_; }

 private:
  void set_up_callbacks();
  bool begins_request();
  bool follow_redirect();
  void fail(HttpError::Reason reason, const std::string& message) { outcome_.failure = {reason, message}; }
  std::size_t on_body(const char* data, std::size_t size);
  std::size_t on_header(std::string_view line);

  struct EasyDeleter {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  };

  HttpRequest request_;
  TransferSockets* sockets_ = nullptr;
  HttpUrl where_;
  HttpOutcome outcome_;
  std::size_t header_bytes_ = 0;  // also of interim answers, trailers and proxies
  std::size_t header_lines_ = 0;
  bool headers_ended_ = false;  // of the last answer
  int redirects_ = 0;
  Milliseconds spent_{0};  // by the hops before this one
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  bool body_too_large_ = false;
  long connects_ = 0;                // of this hop, until its last request
  bool on_kept_connection_ = false;  // that request was sent on one
  bool was_left_ = false;            // which ended under it
  CurlLists lists_;
  std::unique_ptr<CURL, EasyDeleter> easy_;  // the last member: goes first, it uses the others
};

}  // namespace jeton::agent
