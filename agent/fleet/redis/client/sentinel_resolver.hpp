// SentinelResolver: finds the primary that sentinels name (SENTINEL get-master-addr-by-name).
//
// It asks them in turn, beginning with the one that last answered, each within half of the time that is left, so that
// dead sentinels do not use up all of it. The first one is drawn at random, so that the agents of a fleet do not all
// ask the same one. While a connection lasts, it asks another sentinel every few seconds, over connections that are
// kept: after a failover the old primary may go on for a while, alive and without clients. sentinel_votes.hpp decides
// if they disagree. If a sentinel is given by name, the name is resolved again now and then. The connections of an
// agent share one object, so that they need not ask twice. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

struct SentinelOptions {
  std::string master;              // the name that the sentinels know it by
  std::vector<Address> sentinels;  // with TLS if the first one is: so are the servers they name
  TlsOptions tls;
  // For the sentinels themselves, asked at every connect; empty function or empty text: none.
  std::function<SecretString()> username;
  std::function<SecretString()> password;
  Duration recheck_interval{2'000'000'000};
  Connector connect = connect_transport;
  NameResolver resolve = resolve_name;
};

class SentinelResolver final : public EndpointResolver {
 public:
  // Timers and random outlive it.
  SentinelResolver(Timers& timers, Random& random, SentinelOptions options);
  ~SentinelResolver() override;  // interrupts

  // Throws a SetupError if a sentinel does not know the name, or refuses us, and no other sentinel has an answer.
  Task<Address> resolve(BootTime deadline) override;
  [[nodiscard]] bool wants_primary() const override { return true; }
  [[nodiscard]] std::string origin() const override;
  [[nodiscard]] Duration recheck_interval() const override;
  Task<Address> recheck(Address current, BootTime deadline) override;
  void interrupt() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
