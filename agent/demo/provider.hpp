// The provider of the demo: a real HTTP server on loopback, on a thread of its own.
//
//   GET or POST /token   {"access_token":"...","token_type":"Bearer","expires_in":10}, or 429 with Retry-After
//   GET /api             with "Authorization: Bearer TOKEN": 200 if the token is accepted, 401 if not
//
// Counters may be read from any thread. The destructor ends the server and joins the thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/demo/token_issuer.hpp"

namespace jeton::agent::demo {

struct ProviderCounts {
  std::uint64_t issued = 0;
  std::uint64_t refused = 0;  // 429
  [[nodiscard]] std::uint64_t token_requests() const { return issued + refused; }
};

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
