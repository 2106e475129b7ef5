// The outcome of an HTTP call, and the words that explain to the operator why there is no answer.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/config/text/http_url.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

struct HttpOutcome {
  struct Failure {
    HttpError::Reason reason;
    std::string message;
  };
  bool aborted = false;            // cancelled, or the client was stopped
  std::optional<Failure> failure;  // if neither: the response counts
  HttpResponse response;           // with a failure: the part that had arrived
};

// A transfer that libcurl has ended with an error.
struct FailedTransfer {
  CURL* handle;
  const HttpRequest& request;
  const HttpUrl& where;    // its URL, or that of the last redirect
  const char* error_text;  // CURLOPT_ERRORBUFFER
  bool body_too_large;
  std::size_t header_bytes;
  std::size_t header_lines;
  std::uint64_t received;  // bytes on its connection
};
[[nodiscard]] HttpOutcome::Failure failure_of_transfer(CURLcode code, const FailedTransfer& transfer);

// The message of a timeout, for libcurl's own and for that of the watch.
[[nodiscard]] std::string no_answer_within(const std::string& display, Milliseconds timeout);

}  // namespace jeton::agent
