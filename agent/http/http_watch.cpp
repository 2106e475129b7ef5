#include "agent/http/http_watch.hpp"

#include <algorithm>
#include <boost/system/error_code.hpp>

namespace jeton::agent {
namespace {

constexpr std::chrono::milliseconds look_interval{100};
// libcurl keeps the same time, and has a more precise message.
constexpr std::chrono::milliseconds head_start{250};

}  // namespace

HttpWatch::HttpWatch(const boost::asio::any_io_executor& executor, const std::shared_ptr<HttpCall>& call)
    : timer_(executor), call_(call), deadline_(Clock::now() + call->timeout() + head_start) {}

void HttpWatch::stop() {
  call_.reset();
  timer_.cancel();
}

void HttpWatch::look_later() {
  timer_.expires_at(std::min(Clock::now() + look_interval, deadline_));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->look();
  });
}

void HttpWatch::look() {
  const std::shared_ptr<HttpCall> call = call_.lock();
  if (call == nullptr) return;
  if (Clock::now() >= deadline_) return call->time_out();
  if (call->is_flooded()) return call->refuse_flood();
  look_later();
}

}  // namespace jeton::agent
