// TrialTransport: shows requests and answers; with a transport behind it the request is sent, without one it is not.
#pragma once

#include <iosfwd>
#include <vector>

#include "agent/http/http.hpp"

namespace jeton::agent {

// The request was shown and not sent. Not an HttpError, so that no source takes it for an answer.
class NotSent : public Error {
 public:
  NotSent() : Error("the request was not sent") {}
};

class TrialTransport final : public HttpTransport {
 public:
  // `next` may be null: a dry run. Both outlive the transport.
  TrialTransport(HttpTransport* next, std::ostream& out) : next_(next), out_(out) {}

  // Throws NotSent in a dry run.
  Task<HttpResponse> perform(HttpRequest request) override;

 private:
  HttpTransport* next_;
  std::ostream& out_;
};

}  // namespace jeton::agent
