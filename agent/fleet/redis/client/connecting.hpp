// Helpers for the steps of a connect: a deadline that closes the transport being waited for, and a way to abort the
// wait. Private to the transports.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <functional>
#include <string>
#include <utility>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

using StreamSocket = boost::asio::generic::stream_protocol::socket;
using StreamEndpoint = boost::asio::generic::stream_protocol::endpoint;

// The reason in words that fit into the middle of a message: "connection refused".
[[nodiscard]] std::string reason_of(const boost::system::error_code& error);
[[nodiscard]] std::string uncapitalized(std::string text);

// Runs an action at a deadline unless it dies before.
class Alarm {
 public:
  Alarm(Timers& timers, BootTime when, std::function<void()> action) : timers_(timers) {
    id_ = timers.schedule(when, [this, act = std::move(action)] {
      fired_ = true;
      act();
    });
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    if (!fired_) timers_.cancel(id_);
  }
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  Timers& timers_;
  Timers::Id id_ = 0;
  bool fired_ = false;
};

// Lets the owner of an attempt abort the step being waited for.
class Abortable {
 public:
  Abortable(ConnectAttempt& attempt, std::function<void()> abort) : attempt_(attempt) {
    attempt_.abort = std::move(abort);
  }
  Abortable(const Abortable&) = delete;
  Abortable& operator=(const Abortable&) = delete;
  ~Abortable() { attempt_.abort = nullptr; }

 private:
  ConnectAttempt& attempt_;
};

}  // namespace jeton::agent::redis
