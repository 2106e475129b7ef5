// HttpCall: one request on its way. It runs on a thread of its own; its caller, and the client when it is stopped,
// can give it up at any time without waiting for libcurl. The first outcome is delivered, and no other.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "agent/http/http.hpp"
#include "agent/http/transfer.hpp"
#include "agent/http/transfer_sockets.hpp"

namespace jeton::agent {

// HttpLine: the connections of one thread to one server. Its calls use them one after the other, so a call that follows
// need not connect again. It lives as long as calls follow each other: fetches are minutes apart, and a connection that
// is kept longer would only keep its buffers. One thread at a time.
struct HttpLine {
  struct Deleter {
    void operator()(CURLM* handle) const { ::curl_multi_cleanup(handle); }
  };

  // libcurl would give a kept connection to a request for another version of HTTP.
  void close_if_not(HttpVersion wanted) {
    if (std::exchange(version, wanted) != wanted) multi.reset(::curl_multi_init());
  }

  // Declared first: libcurl closes the sockets of kept connections through it.
  std::shared_ptr<TransferSockets> sockets = std::make_shared<TransferSockets>();
  HttpVersion version = HttpVersion::v1_1;
  // Drives one transfer at a time. Null: libcurl has no memory.
  std::unique_ptr<CURLM, Deleter> multi{::curl_multi_init()};
};

class HttpCall {
 public:
  // `complete` is called once, on any thread; it posts the outcome to the caller's loop.
  HttpCall(HttpRequest request, std::function<void(HttpOutcome)> complete);
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  // Runs until libcurl has finished the transfer, or it was given up. Call it once. If it was given up, the line must
  // not be used again.
  void run(HttpLine& line);

  // Sets the outcome unless there is one, and ends the connection. Any thread, at any time, also before run().
  void give_up(HttpOutcome outcome);
  void abort();
  // The request's timeout has passed.
  void time_out();
  // Ends the call because the server has sent more than max_received.
  void refuse_flood();
  void fail(HttpError::Reason reason, const std::string& message);

  [[nodiscard]] bool given_up() const { return given_up_; }
  // It was given up so long ago, and run() has not returned.
  [[nodiscard]] bool is_stuck(std::chrono::nanoseconds since) const {
    return given_up_ && std::chrono::steady_clock::now() - given_up_at_.load() >= since;
  }
  // The server has sent more than any usable answer has, headers and framing included.
  [[nodiscard]] bool is_flooded() const;
  [[nodiscard]] Milliseconds timeout() const { return timeout_; }
  // Scheme, host and port.
  [[nodiscard]] const std::string& origin() const { return origin_; }

 private:
  class UsedSockets;

  void deliver(HttpOutcome outcome);

  const Milliseconds timeout_;
  const std::string display_;
  const std::string origin_;
  const HttpVersion version_;
  const std::uint64_t max_received_;
  mutable std::mutex sockets_mutex_;
  std::shared_ptr<TransferSockets> sockets_;  // guarded by sockets_mutex_: null but during run()
  Transfer transfer_;                         // of the thread in run()
  std::function<void(HttpOutcome)> complete_;
  std::atomic<bool> delivered_{false};
  std::atomic<bool> given_up_{false};
  std::atomic<std::chrono::steady_clock::time_point> given_up_at_{};  // the last time
  std::atomic<bool> started_{false};
};

}  // namespace jeton::agent
