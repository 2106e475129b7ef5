// Provider: the provider of the demo, a real HTTP server on loopback, on a thread of its own. TokenIssuer: its tokens
// and its limits, without HTTP.
//
//   GET or POST /token   {"access_token":"...","token_type":"Bearer","expires_in":10}, or 429 with Retry-After
//   GET /api             with "Authorization: Bearer TOKEN": 200 if the token is accepted, 401 if not
//
// The tokens carry their own checksum, so that a reader can check that one is whole:
//
//   demo.17.5f0c...a1.9b1d2c3e4f5a6b7c    serial number, random hexadecimal digits, FNV-1a of all before the last dot
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent::demo {

// `size`: bytes of the whole token; at least what the parts need (about 60).
[[nodiscard]] std::string make_checked_token(std::uint64_t serial, Random& random, std::size_t size = 0);

// The serial number if the token is whole; nothing if a single byte is not as it was made.
[[nodiscard]] std::optional<std::uint64_t> checked_token_serial(std::string_view token);

struct IssuerOptions {
  Milliseconds lifetime{10'000};
  Milliseconds overlap{2'000};    // the previous token is accepted so long after it was replaced
  Milliseconds rate_interval{0};  // one request an address in each; zero: no limit
  std::size_t token_size = 0;     // bytes; zero: as short as it gets
};

// Short-lived random tokens, one request an interval for each address, and a new token ends the one before it after an
// overlap. Time is given by the caller. One thread.
class TokenIssuer {
 public:
  TokenIssuer(IssuerOptions options, Random& random) : options_(options), random_(random) {}

  struct Answer {
    std::string token;  // empty: refused
    std::uint64_t serial = 0;
    Milliseconds lifetime{};
    Milliseconds retry_after{};  // if refused
  };
  // A request for a token from this address. A refused one does not count against its limit.
  [[nodiscard]] Answer request(const std::string& address, BootTime now);

  // Would the API take this token now?
  [[nodiscard]] bool accepts(std::string_view token, BootTime now) const;

  void set_lifetime(Milliseconds lifetime) { options_.lifetime = lifetime; }

 private:
  struct Issued {
    std::string token;
    BootTime end;
  };
  IssuerOptions options_;
  Random& random_;
  std::map<std::string, BootTime> last_request_;  // by address
  std::optional<Issued> newest_;
  std::optional<Issued> previous_;
  std::uint64_t serial_ = 0;
};

struct ProviderCounts {
  std::uint64_t issued = 0;
  std::uint64_t refused = 0;  // 429
  [[nodiscard]] std::uint64_t token_requests() const { return issued + refused; }
};

// Counters may be read from any thread. The destructor ends the server and joins the thread.
class Provider {
 public:
  // Listens on 127.0.0.1, on a free port. Throws Error if it cannot listen. The clock outlives the provider.
  Provider(const IssuerOptions& options, const Clock& clock);
  ~Provider();
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string token_url() const;
  [[nodiscard]] ProviderCounts counts() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace jeton::agent::demo
