// HttpThreads: runs every call on a thread of its own, so that a server that keeps libcurl busy, and a file of the
// configuration that cannot be read, hold up no other server's calls.
//
// At most max_threads_per_origin threads have to do with one scheme, host and port; further calls to it wait in order,
// and their time runs on. So a server that lets every call hang holds up itself only. Any thread.
#pragma once

#include <cstddef>
#include <memory>

namespace jeton::agent {

class HttpCall;

class HttpThreads {
 public:
  static constexpr std::size_t max_threads_per_origin = 32;

  HttpThreads();
  ~HttpThreads();  // as stop()
  HttpThreads(const HttpThreads&) = delete;
  HttpThreads& operator=(const HttpThreads&) = delete;

  // After stop(), and if the system has no thread for it, the call fails at once.
  void submit(const std::shared_ptr<HttpCall>& call);
  // Aborts every call and waits for the threads, but not for one that does not come back from libcurl: that one is left
  // behind, to touch nothing but its call. Idempotent.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace jeton::agent
