// Transport: a stream of bytes to a Redis server over TCP, TLS or a unix socket, and the function that opens one;
// dial.hpp calls it. ConnectOptions: which server, and how it is spoken to. One thread: the loop's.
//
// One reader and one writer at a time. An error has the reason only ("connection refused"): the owner of the connection
// adds the endpoint. close() ends both with an error and may be called at any time. The failures of a connect and of a
// read are values: while a server is away, each agent has several a second, and an exception would be thrown again in
// each coroutine that it passes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/log_pace.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/tally.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/address.hpp"
#include "agent/fleet/redis/client/resp_parser.hpp"

namespace jeton::agent::redis {

// For addresses with `tls`. The files are read at every connect, so that a renewed one is used by the next.
struct TlsOptions {
  std::string ca_file;      // PEM; empty: the authorities of the system
  std::string cert_file;    // PEM, with the chain; empty: no client certificate
  std::string key_file;     // PEM, not encrypted; set if and only if cert_file is
  std::string server_name;  // must be in the server's certificate, also sent as SNI; empty: the host connected to
};

// Trying again will not help: an operator must act.
class SetupError : public TransportError {
 public:
  using TransportError::TransportError;
};

class Transport {
 public:
  // How a read ended.
  struct Received {
    explicit Received(std::size_t bytes) : size(bytes) {}
    explicit Received(std::string reason) : failure(std::move(reason)) {}

    std::size_t size = 0;  // at least one, unless it failed
    std::string failure;   // the reason, also the end of the stream
  };

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual Task<Received> read_some(std::span<char> into) = 0;
  virtual Task<> write(std::string_view bytes) = 0;  // throws TransportError
  virtual void close() noexcept = 0;
};

// A reason as it is written in the middle of a message.
[[nodiscard]] std::string uncapitalized(std::string text);

// A connect that is under way; its owner can abort it.
struct ConnectAttempt {
  std::function<void()> abort;  // empty while there is nothing to abort

  void cancel() {
    if (abort) abort();
  }
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

// How an attempt to connect ended.
struct Connected {
  std::unique_ptr<Transport> transport{};  // null: it failed
  std::string failure{};                   // the reason
  bool operator_must_act = false;          // trying again will not help, as with SetupError
  std::string ip{};                        // that answered, as dial() says it; empty: a unix socket
};

// Connects and, if the address says so, speaks TLS before the deadline. The host is an IP address. Over TCP the kernel
// ends the connection within 15 s if the host of the server, or the way to it, is gone. It cannot notice a server that
// hangs on a host that lives, nor look behind a proxy.
Task<Connected> connect_transport(Timers& timers, Address address, TlsOptions tls, BootTime deadline,
                                  ConnectAttempt& attempt);

// The function that opens a connection: connect_transport, or a test's replacement.
using Connector = std::function<Task<Connected>(Timers& timers, Address address, TlsOptions tls, BootTime deadline,
                                                ConnectAttempt& attempt)>;

// The function that returns the IP addresses of a host name, in the order in which to try them: resolve_name
// (name_lookups.hpp), or a test's replacement. Throws TransportError.
using NameResolver = std::function<Task<std::vector<std::string>>(Timers& timers, std::string host, BootTime deadline,
                                                                  ConnectAttempt& attempt)>;
Task<std::vector<std::string>> resolve_name(Timers& timers, std::string host, BootTime deadline,
                                            ConnectAttempt& attempt);

// The interval at which a name is resolved again while its server answers; jittered.
inline constexpr Duration resolve_interval = std::chrono::seconds(30);

// Finds the server to connect to if that can change: the primary that sentinels name, a node of a Cluster. A connection
// asks it before each attempt to connect, so every reconnect follows a failover, and periodically while connected, so a
// failover that breaks no connection is followed too.
class EndpointResolver {
 public:
  EndpointResolver() = default;
  EndpointResolver(const EndpointResolver&) = delete;
  EndpointResolver& operator=(const EndpointResolver&) = delete;
  virtual ~EndpointResolver() = default;

  // Throws TransportError that names the servers that it asked, and the problem.
  virtual Task<Address> resolve(BootTime deadline) = 0;
  // Whether the server must say that it is a primary (ROLE) before it is used.
  [[nodiscard]] virtual bool wants_primary() const = 0;

  // The origin of the address, for an operator: `sentinel "jeton"`. Empty: the address is enough.
  [[nodiscard]] virtual std::string origin() const { return {}; }
  // How often a connection checks that its server is still the right one; if not, it ends. Zero: never.
  [[nodiscard]] virtual Duration recheck_interval() const { return Duration{0}; }
  // The server to use now; `current` if there is no better answer.
  virtual Task<Address> recheck(Address current, BootTime /*deadline*/) { co_return current; }
  // Ends the calls that are under way, each with an error.
  virtual void interrupt() {}
};

// A connection is quiet for so long before a PING.
inline constexpr Duration usual_keepalive = std::chrono::seconds(60);

struct ConnectOptions {
  Address address;
  std::shared_ptr<EndpointResolver> endpoint_resolver;  // if set, asked for the address at every connect
  int database = 0;
  // Asked at every connect, so that a replaced secret is used by the next one; may throw Error. Empty function or
  // empty text: none.
  std::function<SecretString()> username;
  std::function<SecretString()> password;
  TlsOptions tls;
  // If set: called at every connect with the identity of the server's process, the run_id of INFO (empty: the server
  // did not report it). May throw SetupError: then the connection is not used.
  std::function<void(const std::string& run_id)> identified;
  std::string client_name;        // shown by CLIENT LIST; no spaces; empty: none
  Duration timeout{500'000'000};  // each: for asking the resolver, a connect including the greeting, an answer to PING
  ReplyLimits limits;
  bool in_cluster = false;  // the server is known as a node of a Cluster
  // Limits the log lines about failures: shared by the connections of a Cluster, because its nodes may name any number
  // of addresses. Null: the connection has its own.
  std::shared_ptr<LogBurst> reports;
  // Shared by all connections to the coordinator. Null: no count is kept.
  std::shared_ptr<ConnectionTally> tally;
  Connector connect = connect_transport;
  NameResolver resolve = resolve_name;

  // `address` with the database: redis://host:port/db or unix:///path?db=0
  [[nodiscard]] std::string display(const Address& address) const;
};

}  // namespace jeton::agent::redis
