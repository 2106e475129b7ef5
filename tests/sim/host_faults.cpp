#include <filesystem>
#include <iterator>
#include <limits>

#include "tests/sim/fault_rows.hpp"
#include "tests/sim/faults.hpp"

namespace jeton::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Target = FaultInfo::Target;

void crash(World& world, const Fault& fault) {
  world.crashed_at[fault.target] = world.now();
  world.fleet.crash(fault.target);
}

void start(World& world, const Fault& fault) {
  if (!world.fleet.has_stopped(fault.target)) {
    world.note(host_name(fault.target), "did not stop in time and is killed");
    const Fault killed = crash_of(fault.target);
    world.disturbances.begin(killed, world.now());
    crash(world, killed);
    world.disturbances.end(killed, world.now());
  }
  if (!world.fleet.runs(fault.target)) world.fleet.start(fault.target);
}

void arm(World& world, const Fault& fault) { world.armed[fault.target] = failpoint_of(world.plan, fault); }
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
  remove_folder(world, fault.target, "run");
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

void reload(World& world, const Fault& fault) {
  if (world.answers(fault.target)) world.fleet.reload_soon(fault.target);
}

// Also a suspension: its timers count on as those of SIGSTOP do (`CLOCK_BOOTTIME`). Its connections may be dead
// afterwards, and both ends notice, or neither does.
void pause(World& world, const Fault& fault) { world.fleet.pause(fault.target); }
void go_on(World& world, const Fault& fault) {
  const bool told = fault.amount % 3 == 1;
  if (fault.amount % 3 != 0) world.fleet.lose_connections(fault.target, told);
  world.fleet.go_on(fault.target);
}

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

void drift(World& world, const Fault& fault) {
  const std::int64_t rate = drift_rates[fault.amount / 2 % std::size(drift_rates)];
  world.fleet.timers_of(fault.target).set_rate(fault.amount % 2 == 0 ? rate : -rate);
}
// The wall clock is set right again, as a time service does; the boot clock stays where it is.
void drift_no_more(World& world, const Fault& fault) {
  world.fleet.timers_of(fault.target).set_rate(0);
  step_back(world, fault);
}

void fail_segment(World& world, const Fault& fault) {
  world.fleet.segments[fault.target].failing_writes = std::numeric_limits<int>::max();
}
void mend_segment(World& world, const Fault& fault) { world.fleet.segments[fault.target].failing_writes = 0; }

// The files of a folder that is full keep what they have: where the agent would write what replaces one, something is
// that it does not remove.
std::filesystem::path obstacle(const World& world, std::size_t host, const char* file) {
  return world.fleet.directory(host) / (std::string(file) + ".new");
}
template <std::size_t Count>
void fill(World& world, std::size_t host, const char* const (&files)[Count]) {
  for (const char* file : files) std::filesystem::create_directories(obstacle(world, host, file) / "full");
}
template <std::size_t Count>
void make_room(World& world, std::size_t host, const char* const (&files)[Count]) {
  for (const char* file : files) std::filesystem::remove_all(obstacle(world, host, file));
}

constexpr const char* files_below_run[] = {"coordination/api.json", "alone/api.json", "locks/job.lock",
                                           "locks/fences.json"};
constexpr const char* files_of_state[] = {"state/api.record"};

void fill_run(World& world, const Fault& fault) {
  fail_segment(world, fault);
  fill(world, fault.target, files_below_run);
}
void make_room_in_run(World& world, const Fault& fault) {
  mend_segment(world, fault);
  make_room(world, fault.target, files_below_run);
}
void fill_disk(World& world, const Fault& fault) { fill(world, fault.target, files_of_state); }
void make_room_on_disk(World& world, const Fault& fault) { make_room(world, fault.target, files_of_state); }

void ask_refresh(World& world, const Fault& fault) {
  if (!world.answers(fault.target)) return;
  world.refresh_wanted_at = world.pause_lifted_at = world.now();
  world.fleet.refresh(fault.target).refresh_now();
}
void reject(World& world, const Fault& fault) { world.reject_token(fault.target); }

}  // namespace

std::vector<FaultInfo> host_faults() {
  return {
      {FaultKind::crash, "crash", Resource::agent, Target::host, milliseconds(100), seconds(60),
       set_of({Invariant::chain, Invariant::pause_is_kept}), crash, start},
      {FaultKind::failpoint_kill, "kill at a failpoint", Resource::agent, Target::host, seconds(10), seconds(90), 0,
       arm, disarm},
      {FaultKind::reboot, "reboot", Resource::agent, Target::host, seconds(1), seconds(60),
       set_of({Invariant::chain, Invariant::pause_is_kept, Invariant::min_interval}), reboot, start},
      {FaultKind::state_lost, "state directory lost", Resource::agent, Target::host, milliseconds(100), seconds(30),
       set_of({Invariant::chain, Invariant::pause_is_kept}), lose_state, start},
      {FaultKind::stop, "stop", Resource::agent, Target::host, milliseconds(500), seconds(60), 0, stop, start},
      {FaultKind::reload, "reload of the token", Resource::none, Target::host, no_time, no_time, 0, reload, nullptr},
      {FaultKind::pause, "pause", Resource::agent, Target::host, milliseconds(100), seconds(40),
       lease_trouble |
           set_of({Invariant::min_interval, Invariant::highest_fence, Invariant::no_needless_fetch, Invariant::budget}),
       pause, go_on},
      {FaultKind::wall_step, "step of the wall clock", Resource::wall, Target::host, seconds(1), seconds(120), 0,
       step_wall, step_back},
      {FaultKind::drift, "drift of the clocks", Resource::wall, Target::host, seconds(5), seconds(90), 0, drift,
       drift_no_more},
      {FaultKind::segment_fails, "segment cannot be written", Resource::segment, Target::host, milliseconds(100),
       seconds(60), set_of({Invariant::no_needless_fetch}), fail_segment, mend_segment},
      {FaultKind::run_full, "/run is full", Resource::segment, Target::host, milliseconds(100), seconds(60),
       set_of({Invariant::no_needless_fetch}), fill_run, make_room_in_run},
      // agent/README.md: "The host that fetched writes the state to `agent.state_dir` before it publishes", if it can.
      {FaultKind::disk_full, "disk of the state is full", Resource::disk, Target::host, milliseconds(100), seconds(60),
       set_of({Invariant::chain}), fill_disk, make_room_on_disk},
      {FaultKind::operator_refresh, "operator's refresh", Resource::none, Target::host, no_time, no_time, 0,
       ask_refresh, nullptr},
      {FaultKind::rejection, "rejection by a user", Resource::none, Target::host, no_time, no_time, 0, reject, nullptr},
  };
}

}  // namespace jeton::sim
