#include <iterator>

#include "tests/sim/fault_rows.hpp"
#include "tests/sim/faults.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using NetworkFault = test::MemoryNetwork::Fault;
using Target = FaultInfo::Target;

// libclient/README.md, "Limits of a lock": "a failover of a single Redis can lose a lock".
constexpr InvariantSet by_updater_lock = lease_trouble | set_of({Invariant::min_interval, Invariant::highest_fence});
constexpr InvariantSet by_lock_of_users = set_of({Invariant::one_holder});
constexpr InvariantSet data_loss = by_updater_lock | by_lock_of_users;

// The holder has no majority any more. It had a bare one: other hosts had the rest in a divided attempt, until its
// first renewal (redlock_lock.hpp), or a server was away or refused it.
bool loses_lease(const World& world, std::size_t server, const char* key) {
  const auto owner_at = [&](std::size_t i) { return world.fleet.server(i).cli({"GET", key}); };
  const std::string owner = owner_at(server);
  std::size_t left = 0;
  for (std::size_t i = 0; i < world.plan.servers; ++i) {
    if (i != server && owner_at(i) == owner) ++left;
  }
  return !owner.empty() && left <= world.plan.servers / 2;
}

// A server that was not connected yet when a call was counted has no count of it. systemd/README.md, "Data loss": the
// host that made the call repairs the count "within a second".
bool loses_count(const World& world, std::size_t server) {
  const auto calls_at = [&](std::size_t i) { return world.fleet.server(i).field("jeton:{api}:budget", "calls"); };
  const std::string counted = calls_at(server);
  if (counted.empty()) return false;
  std::size_t left = 0;
  for (std::size_t i = 0; i < world.plan.servers; ++i) {
    const std::string other = calls_at(i);
    if (i != server && !other.empty() && std::stoull(other) >= std::stoull(counted)) ++left;
  }
  return left <= world.plan.servers / 2;
}

void note_lost_leases(World& world, std::size_t server) {
  if (loses_lease(world, server, "jeton:{api}:updater")) world.disturbances.lose_lease(by_updater_lock, world.now());
  if (loses_count(world, server)) {
    world.disturbances.lose_lease(set_of({Invariant::min_interval}), world.now());
  }
  if (loses_lease(world, server, "jeton:lock:{job}")) world.disturbances.lose_lease(by_lock_of_users, world.now());
}

void note_loss(World& world, std::size_t server) {
  note_lost_leases(world, server);
  ++world.losses[server];
  world.budget_losses.push_back(world.now());
}

void kill_server(World& world, const Fault& fault) {
  note_loss(world, fault.target);
  world.fleet.server(fault.target).kill();
}
void restart_empty(World& world, const Fault& fault) { world.fleet.server(fault.target).restart(); }
void shut_down(World& world, const Fault& fault) { world.fleet.server(fault.target).shut_down(); }
void restart_with_data(World& world, const Fault& fault) { world.fleet.server(fault.target).restart_with_data(); }
void stop_replication(World& world, const Fault& fault) { world.fleet.server(fault.target).stop_replication(); }
void fail_over(World& world, const Fault& fault) {
  note_loss(world, fault.target);
  world.fleet.server(fault.target).fail_over();
}
void freeze(World& world, const Fault& fault) { world.fleet.server(fault.target).freeze(); }
void thaw(World& world, const Fault& fault) { world.fleet.server(fault.target).thaw(); }
void slow_scripts(World& world, const Fault& fault) {
  const milliseconds times[] = {milliseconds(20), milliseconds(200), milliseconds(600), milliseconds(2'000)};
  world.fleet.server(fault.target).set_script_time(times[fault.amount % std::size(times)]);
}
void fast_scripts(World& world, const Fault& fault) { world.fleet.server(fault.target).set_script_time(no_time); }
void cut(World& world, const Fault& fault) { world.fleet.server(fault.target).cut(); }

// A clock that goes forward takes every lease whose end it passes.
void set_clock_wrong(World& world, const Fault& fault) {
  const seconds errors[] = {seconds(2),   seconds(-2),         seconds(60),
                            seconds(-60), largest_clock_error, -largest_clock_error};
  note_lost_leases(world, fault.target);
  world.budget_losses.push_back(world.now());
  world.fleet.server(fault.target).set_clock_error(errors[fault.amount % std::size(errors)]);
}
void set_clock_right(World& world, const Fault& fault) {
  note_lost_leases(world, fault.target);
  world.budget_losses.push_back(world.now());
  world.fleet.server(fault.target).set_clock_error(seconds(0));
}

// Ahead, behind, and back again: a time service keeps it near the right time without a step.
void drift_server(World& world, const Fault& fault) {
  test::MemoryServer& server = world.fleet.server(fault.target);
  const std::int64_t rate = drift_rates[fault.amount / 2 % std::size(drift_rates)];
  const bool slower = server.clock_error() == seconds(0) ? fault.amount % 2 == 0 : server.clock_error() > seconds(0);
  server.set_clock_rate(slower ? -rate : rate);
}
void drift_server_no_more(World& world, const Fault& fault) { world.fleet.server(fault.target).set_clock_rate(0); }

// In the words of Redis 7. OOM is for commands that need memory; MISCONF is also the answer to PING.
struct Refusal {
  std::vector<const char*> commands;
  const char* error;
};
const Refusal& refusal_of(const Fault& fault) {
  constexpr const char* no_right = "ERR The user executing the script can't run this command or subcommand";
  static const std::vector<Refusal> refusals{
      {{"SET", "HSET"}, "OOM command not allowed when used memory > 'maxmemory'."},
      {{"SET", "HSET", "DEL", "PEXPIRE", "PEXPIREAT"}, "NOREPLICAS Not enough good replicas to write."},
      {{"SET", "HSET", "DEL", "PEXPIRE", "PEXPIREAT", "PING"},
       "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk."},
      {{"SET", "HSET", "DEL", "PEXPIRE", "PEXPIREAT"}, "READONLY You can't write against a read only replica."},
      {{"SET"}, no_right},
      {{"HSET"}, no_right},
      {{"DEL"}, no_right},
      {{"PEXPIRE"}, no_right},
      {{"EVAL", "EVALSHA"}, "NOPERM User agent has no permissions to run the 'evalsha' command"}};
  return refusals[fault.amount % refusals.size()];
}
void refuse_writes(World& world, const Fault& fault) {
  const Refusal& refusal = refusal_of(fault);
  for (const char* command : refusal.commands) world.fleet.server(fault.target).refuse(command, refusal.error);
}
void accept_writes(World& world, const Fault& fault) {
  for (const char* command : refusal_of(fault).commands) world.fleet.server(fault.target).refuse(command, "");
}

void evict_key(World& world, const Fault& fault) {
  const char* keys[] = {"{api}:token",
                        "{api}:fence",
                        "{api}:updater",
                        "{api}:budget",
                        "{api}:pause",
                        "lock:{job}",
                        "lock:{job}:fence",
                        "lock:{job}:info",
                        "{api~revocation}:updater",
                        "{api~revocation}:token",
                        "{api~revocation}:fence"};
  note_loss(world, fault.target);
  world.fleet.server(fault.target).cli({"DEL", std::string("jeton:") + keys[fault.amount % std::size(keys)]});
}
void flush(World& world, const Fault& fault) {
  note_loss(world, fault.target);
  world.fleet.server(fault.target).cli({"FLUSHALL"});
}

// The network.

void disorder_messages(World& world, const Fault& fault) {
  const milliseconds longest[] = {milliseconds(5), milliseconds(300), milliseconds(3'000)};
  world.fleet.server(fault.target).set_message_disorder(longest[fault.amount % std::size(longest)]);
}
void order_messages(World& world, const Fault& fault) {
  world.fleet.server(fault.target).set_message_disorder(no_time);
}

NetworkFault fault_of(const Fault& fault) {
  const NetworkFault all[] = {NetworkFault::no_connection, NetworkFault::silent,         NetworkFault::deaf,
                              NetworkFault::held,          NetworkFault::reply_is_fatal, NetworkFault::refused};
  return all[fault.amount % std::size(all)];
}
void set_faults(World& world, const Fault& fault, NetworkFault kind) {
  const std::size_t servers = world.plan.servers;
  const bool all = fault.amount / 6 % 3 != 0;
  for (std::size_t i = 0; i < servers; ++i) {
    if (all || i == fault.amount / 18 % servers) world.fleet.set_way(fault.target, i, kind);
  }
}
void part_host(World& world, const Fault& fault) { set_faults(world, fault, fault_of(fault)); }
void join_host(World& world, const Fault& fault) { set_faults(world, fault, NetworkFault::none); }
void part_server(World& world, const Fault& fault) { world.fleet.set_fault(fault.target, fault_of(fault)); }
void join_server(World& world, const Fault& fault) { world.fleet.set_fault(fault.target, NetworkFault::none); }

void slow_network(World& world, const Fault& fault) {
  const milliseconds longest[] = {milliseconds(20), milliseconds(100), milliseconds(300), milliseconds(800)};
  const milliseconds most = longest[fault.amount % std::size(longest)];
  world.fleet.network.set_latency(most / 4, most);
}
void fast_network(World& world, const Fault&) {
  world.fleet.network.set_latency(std::chrono::microseconds(50), std::chrono::microseconds(500));
}

}  // namespace

std::vector<FaultInfo> server_faults() {
  return {
      {FaultKind::server_killed, "loss of all data and outage", Resource::server, Target::server, milliseconds(10),
       seconds(40), data_loss, kill_server, restart_empty},
      {FaultKind::server_down, "outage", Resource::server, Target::server, milliseconds(10), seconds(60), lease_trouble,
       shut_down, restart_with_data},
      {FaultKind::server_frozen, "freeze", Resource::server, Target::server, milliseconds(100), seconds(40),
       lease_trouble, freeze, thaw},
      {FaultKind::slow_script, "slow scripts", Resource::script_time, Target::server, seconds(1), seconds(60),
       lease_trouble, slow_scripts, fast_scripts},
      {FaultKind::server_cut, "cut of all connections", Resource::server, Target::server, no_time, no_time,
       set_of({Invariant::pause_is_kept, Invariant::chain}), cut, nullptr},
      {FaultKind::failover, "failover that loses the writes", Resource::server, Target::server, milliseconds(10),
       seconds(20), data_loss, stop_replication, fail_over},
      {FaultKind::server_clock, "wrong clock", Resource::server_clock, Target::server, seconds(5), seconds(120),
       data_loss | set_of({Invariant::token_ends, Invariant::fences_rise}), set_clock_wrong, set_clock_right},
      {FaultKind::server_drift, "drift of the clock", Resource::server_clock, Target::server, seconds(5), seconds(90),
       0, drift_server, drift_server_no_more},
      {FaultKind::writes_refused, "refusal of writes", Resource::writes, Target::server, seconds(1), seconds(60),
       lease_trouble, refuse_writes, accept_writes},
      {FaultKind::key_evicted, "eviction of a key", Resource::none, Target::server, no_time, no_time, data_loss,
       evict_key, nullptr},
      {FaultKind::flushed, "flush", Resource::none, Target::server, no_time, no_time, data_loss, flush, nullptr},
      {FaultKind::host_partition, "partition", Resource::way, Target::host, milliseconds(100), seconds(60),
       lease_trouble, part_host, join_host},
      {FaultKind::server_partition, "partition", Resource::server_way, Target::server, milliseconds(100), seconds(60),
       lease_trouble, part_server, join_server},
      {FaultKind::latency, "slow network", Resource::latency, Target::nothing, seconds(1), seconds(90), lease_trouble,
       slow_network, fast_network},
      {FaultKind::message_repeated, "messages repeated and late", Resource::messages, Target::server, seconds(1),
       seconds(90), 0, disorder_messages, order_messages},
  };
}

}  // namespace jeton::sim
