// HttpThreads: runs every call on a thread of its own, so that a server that keeps libcurl busy, and a file of the
// configuration that cannot be read, hold up no other server's calls.
//
// A limited number of threads works for one scheme, host and port; further calls to it wait in order, and their
// timeouts run. A thread that has ended its call waits a moment for another one, which uses its connection. So a server
// that lets every call hang delays only its own calls, and thousands of calls that come together, or soon after each
// other, open no more connections than threads. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace jeton::agent {

class HttpCall;

class HttpThreads {
 public:
  static constexpr std::size_t usual_threads_per_origin = 32;

  HttpThreads();
  ~HttpThreads();  // as stop()
  HttpThreads(const HttpThreads&) = delete;
  HttpThreads& operator=(const HttpThreads&) = delete;

  // From now on, one at least. Threads above a lower limit finish their call and end; a higher one starts threads for
  // the calls that wait.
  void limit(std::size_t threads_per_origin);
  // From now on, for a thread without a call, and its connection. Servers keep an idle connection for longer than the
  // usual second; one that ends just as a request goes out makes the request fail, because it is not sent again.
  void keep_idle(std::chrono::milliseconds for_so_long);

  // After stop(), and if the system has no thread for its server, the call fails at once.
  void submit(const std::shared_ptr<HttpCall>& call);
  // Aborts every call and waits for the threads, but not for a thread that does not return from libcurl: that thread is
  // left behind and touches only its call. Idempotent.
  void stop();

  // A server (scheme, host and port) whose threads all hang: their requests were given up so long ago, and libcurl does
  // not return. Only a restart makes threads for it again. Empty: there is none.
  [[nodiscard]] std::string stuck_server(std::chrono::nanoseconds since) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace jeton::agent
