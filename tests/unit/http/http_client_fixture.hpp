// A client and a provider that misbehaves, for the tests of HttpClient.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <deque>
#include <memory>
#include <string>

#include "agent/http/http_client.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {

class HttpClientFixture : public ::testing::Test {
 protected:
  using Reason = HttpError::Reason;
  static constexpr const char* secret = "s3cr3t-value";

  HttpRequest request(const std::string& url) {
    HttpRequest request;
    request.url = SecretString(url + "?key=" + secret);
    request.display = url;
    request.headers.push_back({"Authorization", SecretString(std::string("Bearer ") + secret)});
    request.timeout = std::chrono::seconds{20};
    return request;
  }
  HttpRequest request() { return request(provider_.url()); }

  HttpResponse perform(HttpRequest r) { return loop_.run(client_->perform(std::move(r))); }

  // Why the request fails; the message must not hold the secret.
  Reason failure(HttpRequest r) {
    try {
      static_cast<void>(perform(std::move(r)));
    } catch (const HttpError& e) {
      message_ = e.what();
      EXPECT_THAT(message_, ::testing::Not(::testing::HasSubstr(secret)));
      return e.reason();
    }
    ADD_FAILURE() << "the request did not fail";
    return Reason::request;
  }

  // A request whose end is noted instead of waited for.
  struct Pending {
    bool begun = false;
    bool done = false;
    std::exception_ptr error;
    boost::asio::cancellation_signal cancel;

    [[nodiscard]] bool aborted() const {
      try {
        if (error) std::rethrow_exception(error);
      } catch (const boost::system::system_error& e) {
        return e.code() == boost::asio::error::operation_aborted;
      } catch (const std::exception&) {
      }
      return false;
    }
  };
  Pending* start(HttpRequest r) {
    Pending* const pending = &pending_.emplace_back();
    boost::asio::co_spawn(
        loop_.context, note_begin(pending, std::move(r)),
        boost::asio::bind_cancellation_slot(pending->cancel.slot(), [pending](std::exception_ptr error) {
          pending->done = true;
          pending->error = error;
        }));
    return pending;
  }
  Task<> note_begin(Pending* pending, HttpRequest r) {
    pending->begun = true;
    co_await client_->perform(std::move(r));
  }

  test::FaultProvider provider_;
  std::deque<Pending> pending_;  // outlives the loop: outside of its turns emit() is posted to it
  test::Loop loop_;
  std::unique_ptr<HttpClient> client_ = std::make_unique<HttpClient>();
  std::string message_;
};

}  // namespace jeton::agent
