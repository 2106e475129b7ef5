#include "agent/service/agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "agent/api/server/server.hpp"
#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "agent/http/http_client.hpp"
#include "agent/metrics/metrics.hpp"
#include "agent/segment/runtime_dir.hpp"
#include "agent/service/examination.hpp"
#include "agent/service/hardening.hpp"
#include "agent/service/host_tokens.hpp"
#include "agent/service/reload_plan.hpp"

namespace jeton::agent {
namespace {

constexpr Duration heartbeat_interval = std::chrono::seconds(5);

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

struct Agent::Impl {
  Impl(Agent& agent, boost::asio::io_context& loop, BootTimers& t, Random& random, Config c)
      : config(std::move(c)),
        timers(t),
        changed(t),
        started_at(t.clock().wall_now()),
        host(host_name()),
        runtime_dir(config.agent.runtime_dir, config.agent.disk_backed),
        backends(make_backends(config.coordination, config.agent.runtime_dir, t, random)),
        coordinator(std::move(backends.coordinator)),
        host_local(make_host_coordinator(config.coordination, config.agent.runtime_dir, t, random)),
        codec(make_codec(config.coordination)),
        locks(t, random, std::move(backends.locks), limits_within(allowed_descriptors())),
        api(loop.get_executor(), t, config.agent.runtime_dir / "agent.sock", agent),
        tokens(config, {t, random, *coordinator, host_local.get(), http, runtime_dir, changed, codec, host}) {
    if (config.agent.listen) monitoring.emplace(loop.get_executor(), t, *config.agent.listen, agent);
  }

  void restore_directory() {
    bool has_directory = false;
    try {
      runtime_dir.restore();
      has_directory = true;
      api.restore_socket();
      cannot_restore = false;
    } catch (const Error& e) {
      if (!has_directory && callbacks.lost_directory) return callbacks.lost_directory(e.what());
      if (std::exchange(cannot_restore, true)) return;
      log::error(log::runtime_dir_lost,
                 "a part of the runtime directory was removed and cannot be created again; trying again",
                 {{"directory", runtime_dir.path().string()}, {"error", e.what()}});
    }
  }

  [[nodiscard]] MetricsInput metrics_input(AgentStatus status) const {
    MetricsInput input{std::move(status)};
    if (backends.connections) input.connections = *backends.connections;
    input.refreshes = tokens.refreshes();
    input.locks = locks.tally();
    input.loop_lag = loop_lag;
    input.servers.push_back({"socket", api.tally(), api.connections()});
    if (monitoring) input.servers.push_back({"listen", monitoring->tally(), monitoring->connections()});
    return input;
  }

  void beat() {
    restore_directory();
    tokens.heartbeat();
    const BootTime next_beat = timers.clock().boot_now() + heartbeat_interval;
    heartbeat_timer = timers.schedule(next_beat, [this, next_beat] {
      loop_lag.add(timers.clock().boot_now() - next_beat);
      beat();
    });
  }

  Config config;
  BootTimers& timers;
  Event changed;
  WallTime started_at;
  std::string host;
  RuntimeDir runtime_dir;
  HttpClient http;
  Backends backends;  // moved from, once its parts have their owners
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<Coordinator> host_local;  // for tokens with scope host, and for an outage of the other
  FleetCodec codec;
  LockBroker locks;
  DurationTally loop_lag;
  ApiServer api;
  std::optional<MonitoringServer> monitoring;  // none: not configured
  HostTokens tokens;
  std::unique_ptr<TokenSwitch> next;  // a reload under way; here, so that it never outlives what it works on
  Callbacks callbacks;
  bool stopping = false;
  bool cannot_restore = false;
  Timers::Id heartbeat_timer = 0;
};

Agent::Agent(boost::asio::io_context& loop, BootTimers& timers, Random& random, Config config)
    : impl_(std::make_unique<Impl>(*this, loop, timers, random, std::move(config))) {}

Agent::~Agent() = default;

void Agent::connect(Callbacks callbacks) { impl_->callbacks = std::move(callbacks); }

void Agent::start() {
  impl_->locks.configure(impl_->config.locks);
  impl_->api.start();
  if (impl_->monitoring) impl_->monitoring->start();
  impl_->coordinator->start();
  impl_->tokens.start();
  impl_->beat();
}

// Everything that can fail comes first; the steps after the wait for the old tokens cannot fail.
Task<> Agent::reload(Config wanted) {
  if (impl_->stopping) throw Error("the agent is stopping");
  const ReloadPlan plan = plan_reload(impl_->config, wanted);
  const std::string refusal = reload_refusal(plan, impl_->config, wanted);
  if (!refusal.empty()) throw Error(refusal);
  impl_->next = impl_->tokens.change_to(wanted, plan, impl_->config);
  try {
    impl_->locks.configure(wanted.locks);
  } catch (...) {
    impl_->next.reset();
    throw;
  }
  co_await impl_->next->stop_old();
  if (!impl_->stopping) impl_->next->complete();
  impl_->next.reset();
  if (impl_->stopping) throw Error("the agent is stopping");
  if (plan.log_changed) log::configure(wanted.agent.log.level, wanted.agent.log.format);
  impl_->config = std::move(wanted);
  impl_->tokens.changed_to(impl_->config.tokens);
  impl_->changed.notify();
  log::info(log::reloaded, "configuration reloaded",
            {{"added", joined(plan.added)},
             {"removed", joined(plan.removed)},
             {"changed", joined(plan.changed)},
             {"locks", plan.locks_changed ? "changed" : "as before"},
             {"outputs", plan.outputs_changed ? "changed" : "as before"}});
}

Task<> Agent::stop() {
  impl_->stopping = true;
  impl_->timers.cancel(impl_->heartbeat_timer);
  co_await impl_->locks.stop();  // while its holders can still be notified
  impl_->api.stop();
  if (impl_->monitoring) impl_->monitoring->stop();
  co_await impl_->tokens.stop();
  impl_->coordinator->stop();
  if (impl_->host_local) impl_->host_local->stop();
  impl_->http.stop();
}

bool Agent::stopping() const { return impl_->stopping; }

Duration Agent::stop_patience() const {
  constexpr Duration usual = std::chrono::seconds(5);
  Duration longest = usual;
  for (const auto& [name, token] : impl_->config.tokens) {
    if (keeps_state(token.source)) longest = std::max<Duration>(longest, longest_fetch(token.source) + usual);
  }
  return longest;
}

void Agent::clock_stepped() {
  log::warning(log::clock_stepped, "the wall clock was stepped; all schedules are computed again");
  impl_->coordinator->clock_stepped();
  impl_->tokens.clock_stepped();
}

std::string Agent::stuck_provider(Duration since) const { return impl_->http.stuck_server(since); }

AgentStatus Agent::agent_status() const {
  AgentStatus status;
  status.version = JETON_VERSION;
  status.host = impl_->host;
  status.pid = ::getpid();
  status.started_at = impl_->started_at;
  status.log_lines_dropped = log::dropped();
  status.now = impl_->timers.clock().wall_now();
  status.coordinator = impl_->coordinator->health();
  status.tokens = impl_->tokens.statuses();
  if (!impl_->config.locks.empty()) status.locks = LocksStatus{impl_->locks.health(), impl_->locks.sessions()};
  return status;
}

std::optional<TokenStatus> Agent::token_status(const std::string& name) const { return impl_->tokens.status(name); }

const TokenHistory* Agent::token_history(const std::string& name) const { return impl_->tokens.history(name); }

const AccessConfig* Agent::token_access(const std::string& name) const {
  const TokenRunner* const runner = impl_->tokens.find(name);
  return runner == nullptr ? nullptr : &runner->config().access;
}

const AccessConfig& Agent::admins() const { return impl_->config.agent.admins; }

std::optional<RefreshAnswer> Agent::token_rejected(const std::string& name, Generation generation) {
  TokenRunner* const runner = impl_->tokens.find(name);
  return runner == nullptr ? std::nullopt : std::optional(runner->rejected(generation));
}

std::optional<RefreshAnswer> Agent::refresh_token(const std::string& name) {
  TokenRunner* const runner = impl_->tokens.find(name);
  return runner == nullptr ? std::nullopt : std::optional(runner->refresh_now());
}

Task<ReloadVerdict> Agent::request_reload() { return impl_->callbacks.reload(); }

Task<MetricsPage> Agent::metrics(std::string accept) {
  return metrics_page(impl_->timers, impl_->metrics_input(agent_status()), std::move(accept));
}

Task<Findings> Agent::examine() {
  return agent::examine(
      {impl_->timers, *impl_->coordinator, impl_->http, impl_->tokens, impl_->config, impl_->callbacks.read_config});
}

LockBroker* Agent::locks() { return &impl_->locks; }

std::string Agent::host() const { return impl_->host; }

Event& Agent::changed() { return impl_->changed; }

}  // namespace jeton::agent
