#include "tests/sim/faults.hpp"

#include <limits>

#include "tests/sim/failpoints.hpp"

namespace jeton::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::Answer;
using Way = test::MemoryNetwork::Fault;
using Target = FaultInfo::Target;

constexpr milliseconds no_time{0};

// Agents.

void crash(World& world, const Fault& fault) {
  world.crashed_at[fault.target] = world.now();
  world.fleet.crash(fault.target);
}

void start(World& world, const Fault& fault) {
  if (!world.fleet.has_stopped(fault.target)) {
    world.note(host_name(fault.target), "did not stop in time and is killed");
    crash(world, fault);
  }
  if (!world.fleet.runs(fault.target)) world.fleet.start(fault.target);
}

void arm(World& world, const Fault& fault) { world.armed[fault.target] = failpoint_of(fault); }
void disarm(World& world, const Fault& fault) {
  world.armed.erase(fault.target);
  if (world.fleet.runs(fault.target)) return;
  world.fleet.start(fault.target);
  world.disturbances.end(crash_of(fault.target), world.now());
}

void remove_folder(World& world, std::size_t host, const char* name) {
  std::error_code ignored;
  std::filesystem::remove_all(world.fleet.directory(host) / name, ignored);
}

// All that is below /run is gone.
void reboot(World& world, const Fault& fault) {
  crash(world, fault);
  test::ModelSegment& segment = world.fleet.segments[fault.target];
  segment.record.reset();
  segment.expired = segment.rejected = false;
  ++world.boots[fault.target];
  remove_folder(world, fault.target, "coordination");
  remove_folder(world, fault.target, "alone");
  remove_folder(world, fault.target, "locks");
  if (world.plan.backend == Backend::local || world.plan.fetch_alone) world.budget_losses.push_back(world.now());
}

void lose_state(World& world, const Fault& fault) {
  crash(world, fault);
  remove_folder(world, fault.target, "state");
}

void stop(World& world, const Fault& fault) {
  if (world.fleet.runs(fault.target)) world.fleet.stop_soon(fault.target);
}

void pause(World& world, const Fault& fault) { world.fleet.pause(fault.target); }
void go_on(World& world, const Fault& fault) { world.fleet.go_on(fault.target); }

// Promises that need a store which can be reached and keeps its data and its time, or a host that goes on.
constexpr InvariantSet lease_trouble =
    set_of({Invariant::one_fetch_at_a_time, Invariant::chain, Invariant::pause_is_kept});
// libclient/README.md, "Limits of a lock": "a failover of a single Redis can lose a lock".
constexpr InvariantSet by_updater_lock = lease_trouble | set_of({Invariant::min_interval, Invariant::highest_fence});
constexpr InvariantSet by_lock_of_users = set_of({Invariant::one_holder});
constexpr InvariantSet data_loss = by_updater_lock | by_lock_of_users;

// Servers.

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

void note_loss(World& world, std::size_t server) {
  if (loses_lease(world, server, "jeton:{api}:updater")) world.disturbances.lose_lease(by_updater_lock, world.now());
  if (loses_lease(world, server, "jeton:lock:{job}")) world.disturbances.lose_lease(by_lock_of_users, world.now());
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
void cut(World& world, const Fault& fault) { world.fleet.server(fault.target).cut(); }

void set_clock_wrong(World& world, const Fault& fault) {
  const seconds errors[] = {seconds(2),   seconds(-2),         seconds(60),
                            seconds(-60), largest_clock_error, -largest_clock_error};
  world.budget_losses.push_back(world.now());
  world.fleet.server(fault.target).set_clock_error(errors[fault.amount % std::size(errors)]);
}
void set_clock_right(World& world, const Fault& fault) {
  world.budget_losses.push_back(world.now());
  world.fleet.server(fault.target).set_clock_error(seconds(0));
}

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
  const char* keys[] = {"token", "fence", "updater", "budget", "pause"};
  note_loss(world, fault.target);
  world.fleet.server(fault.target).cli({"DEL", std::string("jeton:{api}:") + keys[fault.amount % std::size(keys)]});
}
void flush(World& world, const Fault& fault) {
  note_loss(world, fault.target);
  world.fleet.server(fault.target).cli({"FLUSHALL"});
}

// The network.

Way way_of(const Fault& fault) {
  const Way ways[] = {Way::no_connection, Way::silent, Way::deaf, Way::held, Way::reply_is_fatal, Way::refused};
  return ways[fault.amount % std::size(ways)];
}
void set_ways(World& world, const Fault& fault, Way way) {
  const std::size_t servers = world.plan.servers;
  const bool all = fault.amount / 6 % 3 != 0;
  for (std::size_t i = 0; i < servers; ++i) {
    if (all || i == fault.amount / 18 % servers) world.fleet.set_way(fault.target, i, way);
  }
}
void part_host(World& world, const Fault& fault) { set_ways(world, fault, way_of(fault)); }
void join_host(World& world, const Fault& fault) { set_ways(world, fault, Way::none); }
void part_server(World& world, const Fault& fault) { world.fleet.set_fault(fault.target, way_of(fault)); }
void join_server(World& world, const Fault& fault) { world.fleet.set_fault(fault.target, Way::none); }

void slow_network(World& world, const Fault& fault) {
  const milliseconds longest[] = {milliseconds(20), milliseconds(100), milliseconds(300), milliseconds(800)};
  const milliseconds most = longest[fault.amount % std::size(longest)];
  world.fleet.network.set_latency(most / 4, most);
}
void fast_network(World& world, const Fault&) {
  world.fleet.network.set_latency(std::chrono::microseconds(50), std::chrono::microseconds(500));
}

// The provider.

void fail_calls(World& world, const Fault&) { world.fleet.provider.behave(Answer::failure()); }
void ask_to_wait(World& world, const Fault& fault) {
  world.fleet.provider.behave(Answer::failure(seconds(1 + fault.amount % 120)));
}
void refuse_calls(World& world, const Fault&) { world.fleet.provider.behave(Answer::refusal()); }
void give_the_same(World& world, const Fault&) {
  const auto& issued = world.fleet.provider.issued;
  if (!issued.empty()) world.fleet.provider.behave(Answer::same(issued.back()));
}
void lose_answers(World& world, const Fault& fault) {
  world.fleet.provider.behave(Answer::lost(), static_cast<int>(1 + fault.amount % 2));
}
void give_no_token(World& world, const Fault&) { world.fleet.provider.behave(Answer::unusable(), 1); }
void give_nonsense(World& world, const Fault&) { world.fleet.provider.behave(Answer::unread(), 1); }
void serve(World& world, const Fault&) { world.fleet.provider.behave({}); }

void answer_slowly(World& world, const Fault& fault) {
  world.fleet.provider.answer_time = milliseconds(1'000 + fault.amount % 9'000);
}
void answer_fast(World& world, const Fault&) { world.fleet.provider.answer_time = world.plan.answer_time; }

void hang(World& world, const Fault&) { world.fleet.provider.behave(Answer::never()); }
void end_hanging(World& world, const Fault&) {
  world.fleet.provider.behave({});
  world.fleet.provider.release();
}

void date_end(World& world, const Fault& fault) {
  const Milliseconds left =
      seconds(10) + milliseconds(fault.amount % static_cast<std::uint64_t>(world.plan.lifetime.count()));
  world.fleet.provider.dated_end = world.fleet.loop.clock.wall_now() + left;
}
void date_none(World& world, const Fault&) { world.fleet.provider.dated_end.reset(); }

// Hosts and their users.

void step_wall(World& world, const Fault& fault) {
  const milliseconds steps[] = {milliseconds(1'500),
                                milliseconds(-1'500),
                                seconds(30),
                                seconds(-30),
                                minutes(10),
                                minutes(-10),
                                hours(2),
                                hours(-2),
                                hours(72),
                                hours(-72)};
  world.fleet.step_clock(fault.target, steps[fault.amount % std::size(steps)]);
}
void step_back(World& world, const Fault& fault) { world.fleet.step_clock(fault.target, milliseconds(0)); }

void fail_segment(World& world, const Fault& fault) {
  world.fleet.segments[fault.target].failing_writes = std::numeric_limits<int>::max();
}
void mend_segment(World& world, const Fault& fault) { world.fleet.segments[fault.target].failing_writes = 0; }

bool answers(const World& world, std::size_t host) { return world.fleet.runs(host) && !world.fleet.is_paused(host); }

void ask_refresh(World& world, const Fault& fault) {
  if (!answers(world, fault.target)) return;
  world.refresh_wanted_at = world.pause_lifted_at = world.now();
  world.fleet.refresh(fault.target).refresh_now();
}
void reject(World& world, const Fault& fault) {
  if (!answers(world, fault.target)) return;
  world.refresh_wanted_at = world.now();
  world.fleet.refresh(fault.target).rejected(world.fleet.segments[fault.target].generation());
}

// In the order of FaultKind.
const std::array<FaultInfo, fault_kind_count> table{{
    {FaultKind::crash, "crash", Resource::agent, Target::host, milliseconds(100), seconds(60),
     set_of({Invariant::chain, Invariant::pause_is_kept}), crash, start},
    {FaultKind::reboot, "reboot", Resource::agent, Target::host, seconds(1), seconds(60),
     set_of({Invariant::chain, Invariant::pause_is_kept, Invariant::min_interval}), reboot, start},
    {FaultKind::state_lost, "state directory lost", Resource::agent, Target::host, milliseconds(100), seconds(30),
     set_of({Invariant::chain, Invariant::pause_is_kept}), lose_state, start},
    {FaultKind::stop, "stop", Resource::agent, Target::host, milliseconds(500), seconds(60), 0, stop, start},
    {FaultKind::pause, "pause", Resource::agent, Target::host, milliseconds(100), seconds(40),
     by_updater_lock | set_of({Invariant::no_needless_fetch, Invariant::budget}), pause, go_on},
    {FaultKind::server_killed, "loss of all data and outage", Resource::server, Target::server, milliseconds(10),
     seconds(40), data_loss, kill_server, restart_empty},
    {FaultKind::server_down, "outage", Resource::server, Target::server, milliseconds(10), seconds(60), lease_trouble,
     shut_down, restart_with_data},
    {FaultKind::server_frozen, "freeze", Resource::server, Target::server, milliseconds(100), seconds(40),
     lease_trouble, freeze, thaw},
    {FaultKind::server_cut, "cut of all connections", Resource::server, Target::server, no_time, no_time,
     set_of({Invariant::pause_is_kept, Invariant::chain}), cut, nullptr},
    {FaultKind::server_clock, "wrong clock", Resource::server_clock, Target::server, seconds(5), seconds(120),
     data_loss | set_of({Invariant::token_ends, Invariant::fences_rise}), set_clock_wrong, set_clock_right},
    {FaultKind::writes_refused, "refusal of writes", Resource::writes, Target::server, seconds(1), seconds(60),
     lease_trouble, refuse_writes, accept_writes},
    {FaultKind::key_evicted, "eviction of a key", Resource::none, Target::server, no_time, no_time, data_loss,
     evict_key, nullptr},
    {FaultKind::flushed, "flush", Resource::none, Target::server, no_time, no_time, data_loss, flush, nullptr},
    {FaultKind::host_partition, "partition", Resource::way, Target::host, milliseconds(100), seconds(60), lease_trouble,
     part_host, join_host},
    {FaultKind::server_partition, "partition", Resource::server_way, Target::server, milliseconds(100), seconds(60),
     lease_trouble, part_server, join_server},
    {FaultKind::latency, "slow network", Resource::latency, Target::nothing, seconds(1), seconds(90), lease_trouble,
     slow_network, fast_network},
    {FaultKind::provider_outage, "provider outage", Resource::provider, Target::nothing, seconds(1), seconds(90), 0,
     fail_calls, serve},
    {FaultKind::retry_after, "provider asks to wait", Resource::provider, Target::nothing, seconds(1), seconds(60), 0,
     ask_to_wait, serve},
    {FaultKind::provider_refusal, "provider refuses the credentials", Resource::provider, Target::nothing, seconds(1),
     seconds(60), 0, refuse_calls, serve},
    {FaultKind::same_token, "provider gives the same token", Resource::provider, Target::nothing, seconds(1),
     seconds(90), 0, give_the_same, serve},
    {FaultKind::answer_lost, "provider's answer is lost", Resource::provider, Target::nothing, seconds(1), seconds(60),
     set_of({Invariant::chain}), lose_answers, serve},
    {FaultKind::answer_unusable, "provider's answer has no token", Resource::provider, Target::nothing, seconds(1),
     seconds(60), 0, give_no_token, serve},
    {FaultKind::answer_unread, "provider's answer cannot be read", Resource::provider, Target::nothing, seconds(1),
     seconds(60), 0, give_nonsense, serve},
    {FaultKind::provider_slow, "provider is slow", Resource::answer_time, Target::nothing, seconds(5), seconds(90), 0,
     answer_slowly, answer_fast},
    {FaultKind::provider_hangs, "provider hangs", Resource::provider, Target::nothing, seconds(1), seconds(60), 0, hang,
     end_hanging},
    {FaultKind::dated_end, "tokens end at a date", Resource::dated, Target::nothing, seconds(5), seconds(90), 0,
     date_end, date_none},
    {FaultKind::wall_step, "step of the wall clock", Resource::wall, Target::host, seconds(1), seconds(120), 0,
     step_wall, step_back},
    {FaultKind::segment_fails, "segment cannot be written", Resource::segment, Target::host, milliseconds(100),
     seconds(60), set_of({Invariant::no_needless_fetch}), fail_segment, mend_segment},
    {FaultKind::operator_refresh, "operator's refresh", Resource::none, Target::host, no_time, no_time, 0, ask_refresh,
     nullptr},
    {FaultKind::rejection, "rejection by a user", Resource::none, Target::host, no_time, no_time, 0, reject, nullptr},
    {FaultKind::failover, "failover that loses the writes", Resource::server, Target::server, milliseconds(10),
     seconds(20), data_loss, stop_replication, fail_over},
    {FaultKind::failpoint_kill, "kill at a failpoint", Resource::agent, Target::host, seconds(10), seconds(90), 0, arm,
     disarm},
}};

}  // namespace

const FaultInfo& info(FaultKind kind) { return table[index(kind)]; }

Fault crash_of(std::size_t host) {
  Fault fault;
  fault.kind = FaultKind::crash;
  fault.target = host;
  return fault;
}

// Those of the segment are not reached, because that of the simulation is a model, and nothing reloads.
std::size_t failpoint_of(const Fault& fault) {
  std::vector<std::size_t> reachable;
  for (std::size_t i = 0; i < failpoint_names.size(); ++i) {
    const std::string_view name = failpoint_names.at(i);
    if (!name.starts_with("segment.") && !name.starts_with("reload.")) reachable.push_back(i);
  }
  return reachable[fault.amount % reachable.size()];
}

void begin_fault(World& world, const Fault& fault) {
  world.note("fault", to_text(fault));
  world.disturbances.begin(fault, world.now());
  info(fault.kind).begin(world, fault);
  if (info(fault.kind).end == nullptr) world.disturbances.end(fault, world.now());
}

void end_fault(World& world, const Fault& fault) {
  if (info(fault.kind).end == nullptr) return;
  world.note("fault", "ends: " + to_text(fault));
  info(fault.kind).end(world, fault);
  world.disturbances.end(fault, world.now());
}

}  // namespace jeton::sim
