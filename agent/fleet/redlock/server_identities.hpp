// ServerIdentities: which server each endpoint of a quorum has reached, so that a server under two names (localhost and
// 127.0.0.1, an alias in DNS, a forwarded port) has one vote. A majority of two out of three would be a single server
// otherwise, and two agents could hold the lock.
//
// A server is known by the run_id of its process, asked for at every connect. A restarted one is a new one, and an
// endpoint that lost its connection gives up its claim, so servers can be moved without a word to the agents. One
// thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace jeton::agent {

class ServerIdentities {
 public:
  // The next endpoint, counted from 0. `display`: as an operator knows it.
  void add(std::string display, std::function<bool()> is_connected);

  // The endpoint is about to be connected to the server with this run_id; empty: it does not say, which is said once in
  // the log. Throws redis::SetupError if an endpoint that is connected has reached the same server.
  void claim(std::size_t endpoint, const std::string& run_id);
  // Its server has its vote through another endpoint, as far as is known.
  [[nodiscard]] bool is_refused(std::size_t endpoint) const { return endpoints_[endpoint].refused; }

 private:
  struct Endpoint {
    std::string display;
    std::function<bool()> is_connected;
    std::string run_id;
    bool refused = false;
  };
  std::vector<Endpoint> endpoints_;
  bool unknown_reported_ = false;
};

}  // namespace jeton::agent
