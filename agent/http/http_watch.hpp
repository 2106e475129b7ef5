// HttpWatch: checks the deadline of one call and the amount that its server has sent, from the caller's loop, also
// while libcurl does not return. One thread: the loop's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "agent/http/http_call.hpp"

namespace jeton::agent {

class HttpWatch : public std::enable_shared_from_this<HttpWatch> {
 public:
  // Holds the call only while it looks at it.
  HttpWatch(const boost::asio::any_io_executor& executor, const std::shared_ptr<HttpCall>& call);

  void start() { look_later(); }
  // The call has its outcome.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  void look_later();
  void look();

  boost::asio::steady_timer timer_;
  std::weak_ptr<HttpCall> call_;
  Clock::time_point deadline_;
};

}  // namespace jeton::agent
