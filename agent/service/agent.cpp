#include "agent/service/agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>

#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/metrics/metrics.hpp"
#include "agent/service/examination.hpp"
#include "agent/service/hardening.hpp"
#include "agent/service/reload_plan.hpp"

namespace jeton::agent {
namespace {

constexpr Duration heartbeat_interval = std::chrono::seconds(5);

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

Agent::Agent(boost::asio::io_context& loop, BootTimers& timers, Random& random, Config config)
    : config_(std::move(config)),
      timers_(timers),
      changed_(timers),
      started_at_(timers.clock().wall_now()),
      host_(host_name()),
      runtime_dir_(config_.agent.runtime_dir, config_.agent.disk_backed),
      backends_(make_backends(config_.coordination, config_.agent.runtime_dir, timers, random)),
      coordinator_(std::move(backends_.coordinator)),
      host_local_(make_host_coordinator(config_.coordination, config_.agent.runtime_dir, timers, random)),
      codec_(make_codec(config_.coordination)),
      locks_(timers, random, std::move(backends_.locks), limits_within(allowed_descriptors())),
      api_(loop.get_executor(), timers, config_.agent.runtime_dir / "agent.sock", *this),
      tokens_(config_,
              {timers, random, *coordinator_, host_local_.get(), http_, runtime_dir_, changed_, codec_, host_}) {
  http_.limit_connections(config_.agent.connections_per_host);
  if (config_.agent.listen) monitoring_.emplace(loop.get_executor(), timers, *config_.agent.listen, *this);
}

void Agent::start() {
  locks_.configure(config_.locks);
  api_.start();
  if (monitoring_) monitoring_->start();
  coordinator_->start();
  tokens_.start();
  beat();
}

void Agent::beat() {
  restore_directory();
  tokens_.heartbeat();
  const BootTime next_beat = timers_.clock().boot_now() + heartbeat_interval;
  heartbeat_timer_ = timers_.schedule(next_beat, [this, next_beat] {
    loop_lag_.add(timers_.clock().boot_now() - next_beat);
    beat();
  });
}

void Agent::restore_directory() {
  bool has_directory = false;
  try {
    runtime_dir_.restore();
    has_directory = true;
    api_.restore_socket();
    cannot_restore_ = false;
  } catch (const Error& e) {
    if (!has_directory && callbacks_.lost_directory) return callbacks_.lost_directory(e.what());
    if (std::exchange(cannot_restore_, true)) return;
    log::error(log::runtime_dir_lost,
               "a part of the runtime directory was removed and cannot be created again; trying again",
               {{"directory", runtime_dir_.path().string()}, {"error", e.what()}});
  }
}

// Everything that can fail comes first; the steps after the wait for the old tokens cannot fail.
Task<> Agent::reload(Config wanted) {
  if (stopping_) throw Error("the agent is stopping");
  const ReloadPlan plan = plan_reload(config_, wanted);
  const std::string refusal = reload_refusal(plan, config_, wanted);
  if (!refusal.empty()) throw Error(refusal);
  next_ = tokens_.change_to(wanted, plan, config_);
  try {
    locks_.configure(wanted.locks);
  } catch (...) {
    next_.reset();
    throw;
  }
  co_await next_->stop_old();
  if (!stopping_) next_->complete();
  next_.reset();
  if (stopping_) throw Error("the agent is stopping");
  if (plan.log_changed) log::configure(wanted.agent.log.level, wanted.agent.log.format);
  config_ = std::move(wanted);
  http_.limit_connections(config_.agent.connections_per_host);
  tokens_.changed_to(config_.tokens);
  changed_.notify();
  log::info(log::reloaded, "configuration reloaded",
            {{"added", joined(plan.added)},
             {"removed", joined(plan.removed)},
             {"changed", joined(plan.changed)},
             {"locks", plan.locks_changed ? "changed" : "as before"},
             {"outputs", plan.outputs_changed ? "changed" : "as before"}});
}

Task<> Agent::stop() {
  stopping_ = true;
  timers_.cancel(heartbeat_timer_);
  co_await locks_.stop();  // while its holders can still be notified
  api_.stop();
  if (monitoring_) monitoring_->stop();
  co_await tokens_.stop();
  coordinator_->stop();
  if (host_local_) host_local_->stop();
  http_.stop();
}

Duration Agent::stop_patience() const {
  constexpr Duration usual = std::chrono::seconds(5);
  Duration longest = usual;
  for (const auto& [name, token] : config_.tokens) {
    if (keeps_state(token.source)) longest = std::max<Duration>(longest, longest_fetch(token.source) + usual);
  }
  return longest;
}

void Agent::clock_stepped() {
  log::warning(log::clock_stepped, "the wall clock was stepped; all schedules are computed again");
  coordinator_->clock_stepped();
  tokens_.clock_stepped();
}

AgentStatus Agent::agent_status() const {
  AgentStatus status;
  status.version = JETON_VERSION;
  status.host = host_;
  status.pid = ::getpid();
  status.started_at = started_at_;
  status.log_lines_dropped = log::dropped();
  status.now = timers_.clock().wall_now();
  status.coordinator = coordinator_->health();
  status.tokens = tokens_.statuses();
  if (monitoring_) status.listen = monitoring_->status();
  status.refused_reload = refused_reload_;
  // Locks that were taken before a reload removed all rules stay held.
  const LockBroker::Counts sessions = locks_.sessions();
  const bool has_locks = sessions.held > 0 || sessions.waiting > 0;
  if (!config_.locks.empty() || has_locks) status.locks = LocksStatus{locks_.health(), sessions};
  return status;
}

const AccessConfig* Agent::token_access(const std::string& name) const {
  const TokenRunner* const runner = tokens_.find(name);
  return runner == nullptr ? nullptr : &runner->config().access;
}

std::optional<RefreshAnswer> Agent::token_rejected(const std::string& name, Generation generation) {
  TokenRunner* const runner = tokens_.find(name);
  return runner == nullptr ? std::nullopt : std::optional(runner->rejected(generation));
}

std::optional<RefreshAnswer> Agent::refresh_token(const std::string& name) {
  TokenRunner* const runner = tokens_.find(name);
  return runner == nullptr ? std::nullopt : std::optional(runner->refresh_now());
}

Task<MetricsPage> Agent::metrics(std::string accept) {
  MetricsInput input{agent_status()};
  if (backends_.connections) input.connections = *backends_.connections;
  input.refreshes = tokens_.refreshes();
  input.locks = locks_.tally();
  input.loop_lag = loop_lag_;
  input.timers = timers_.pending();
  input.servers.push_back({"socket", api_.tally(), api_.connections()});
  if (monitoring_) input.servers.push_back({"listen", monitoring_->tally(), monitoring_->connections()});
  return metrics_page(timers_, std::move(input), std::move(accept));
}

Task<Findings> Agent::examine() {
  return agent::examine({timers_, *coordinator_, http_, tokens_, config_, callbacks_.read_config});
}

}  // namespace jeton::agent
