// A provider for tests that can be made to misbehave: a real HTTP server on 127.0.0.1 with a thread of its own. All
// functions may be called from any thread.
//
// Without a fault it answers GET and POST of any path with {"access_token","token_type","expires_in"}; tokens carry a
// checksum (agent/demo/provider.hpp: checked_token_serial), and their serial numbers count the fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"

namespace jeton::test {

// The kind of answer to the next requests.
struct Behaviour {
  enum class Kind {
    good,
    answer,       // status, headers and body as given
    hang,         // takes the request and never answers
    stall,        // answers half of a body, then nothing
    vanish,       // takes the request and closes
    truncated,    // promises a longer body than it sends, then closes
    headers_cut,  // closes after some of the headers
    huge_length,  // 50 MB with a Content-Length
    huge_chunked  // 50 MB in chunks
  };
  Kind kind = Kind::good;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds delay{0};  // before the answer

  static Behaviour good() { return {}; }
  static Behaviour slow(std::chrono::milliseconds delay) { return {Kind::good, 200, {}, {}, delay}; }
  static Behaviour only(Kind kind) { return {kind, 200, {}, {}, {}}; }
  static Behaviour text(std::string body, int status = 200) { return {Kind::answer, status, {}, std::move(body), {}}; }
  static Behaviour failure(int status) { return text(R"({"error":"failed","message":"as told"})", status); }
  static Behaviour pause(int status, std::string retry_after) {
    return {Kind::answer, status, {{"Retry-After", std::move(retry_after)}}, R"({"error":"slow_down"})", {}};
  }
  // Requests of /token are redirected; every other path works.
  static Behaviour redirect(std::string location, int status = 302) {
    return {Kind::answer, status, {{"Location", std::move(location)}}, {}, {}};
  }
};

struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::chrono::system_clock::time_point at;
  agent::BootTime boot_at{};
};

struct IssuedToken {
  std::uint64_t serial = 0;  // 1, 2, 3 ...
  std::string value;
  std::chrono::system_clock::time_point issued_at;
  std::chrono::milliseconds lifetime{};
  agent::BootTime boot_issued_at{};
};

class FaultProvider {
 public:
  struct Options {
    std::chrono::milliseconds lifetime{60'000};
    std::chrono::milliseconds rate_interval{0};  // one request an address in each; zero: no limit
    std::size_t token_size = 0;                  // bytes; zero: about 60
    bool keep_alive = false;                     // after a good answer the connection is kept
  };
  FaultProvider() : FaultProvider(Options{}) {}
  explicit FaultProvider(const Options& options);
  ~FaultProvider();
  FaultProvider(const FaultProvider&) = delete;
  FaultProvider& operator=(const FaultProvider&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url(const std::string& path = "/token") const;

  // Sets the behaviour for the next `times` requests, then without faults; without a number until the next call.
  void behave(Behaviour behaviour, int times = -1);
  void set_lifetime(std::chrono::milliseconds lifetime);
  // Sends all delayed answers now.
  void end_delays();
  // Connections are refused from its return on, and those that are open end.
  void stop_listening();
  // On the same port.
  void listen_again();

  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t issued = 0;
    std::uint64_t refused = 0;     // 429 of the rate limit
    std::uint64_t faults = 0;      // answered (or not) by a behaviour other than good
    std::uint64_t open = 0;        // connections at this moment
    std::uint64_t huge_bytes = 0;  // of 50 MB bodies, as far as the peer took them
    std::uint64_t huge_ended = 0;  // 50 MB bodies that are over: sent, or given up by the peer
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::vector<IssuedToken> issued() const;
  [[nodiscard]] std::vector<SeenRequest> seen() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace jeton::test
