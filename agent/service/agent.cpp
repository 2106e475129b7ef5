#include "agent/service/agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <set>

#include "agent/api/server.hpp"
#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/config/state_dir.hpp"
#include "agent/coordination/factory.hpp"
#include "agent/http/http_client.hpp"
#include "agent/refresh/revoker.hpp"
#include "agent/segment/runtime_dir.hpp"
#include "agent/service/token_runner.hpp"

namespace jeton::agent {
namespace {

constexpr Duration heartbeat_interval = std::chrono::seconds(5);

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

struct Agent::Impl final : TokenValues {
  Impl(Agent& agent, boost::asio::io_context& loop, BootTimers& t, Random& random, Config c)
      : config(std::move(c)),
        timers(t),
        changed(t),
        started_at(t.clock().wall_now()),
        host(host_name()),
        runtime_dir(config.agent.runtime_dir, config.agent.disk_backed),
        coordinator(make_coordinator(config.coordination, config.agent.runtime_dir, t, random)),
        of_host(make_host_coordinator(config.coordination, config.agent.runtime_dir, t, random)),
        codec(make_codec(config.coordination)),
        locks(t, random, make_lock_store(config.coordination, config.agent.runtime_dir, t, random)),
        api(loop.get_executor(), t, config.agent.runtime_dir / "agent.sock", agent),
        shared{t,
               random,
               *coordinator,
               http,
               *this,
               runtime_dir,
               changed,
               config.coordination.lock_ttl,
               config.agent.memory_lock,
               host,
               config.coordination.fetch_alone ? of_host.get() : nullptr,
               config.coordination.fetch_alone.value_or(Milliseconds{0}),
               of_host.get(),
               state_dir_of(config.agent),
               codec,
               [this](const std::string& name) { tell_users_of(name); }} {
    runtime_dir.retire_others(names());
    forget_others();
    for (const auto& [name, token] : config.tokens) runners.emplace(name, make_runner(token));
  }

  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    const auto found = runners.find(name);
    return found == runners.end() ? std::nullopt : found->second->value();
  }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& [name, token] : config.tokens) all.insert(name);
    return all;
  }

  void forget_others() const {
    std::set<std::string> kept = names();
    for (const std::string& name : names()) kept.insert(Revoker::coordinated_name(name));
    coordinator->keep_only(kept);
    if (of_host) of_host->keep_only(kept);
  }

  // Of the tokens whose source uses this one.
  void tell_users_of(const std::string& name) const {
    for (const auto& [other, runner] : runners) {
      if (runner->config().uses.contains(name)) runner->prerequisite_renewed();
    }
  }

  [[nodiscard]] std::unique_ptr<TokenRunner> make_runner(const TokenConfig& token) const {
    return std::make_unique<TokenRunner>(token, shared);
  }

  void beat() {
    for (const auto& [name, runner] : runners) runner->heartbeat();
    heartbeat_timer = timers.schedule(timers.clock().boot_now() + heartbeat_interval, [this] { beat(); });
  }

  // All or none: what was applied before one fails is taken back.
  void reconfigure_segments(const std::vector<std::string>& names, const Config& wanted) {
    std::vector<std::string> done;
    try {
      for (const std::string& name : names) {
        runners.at(name)->reconfigure_segment(wanted.tokens.at(name));
        done.push_back(name);
      }
    } catch (const Error&) {
      for (const std::string& name : done) runners.at(name)->reconfigure_segment(config.tokens.at(name));
      throw;
    }
  }

  // Ends the runner of a changed token and starts one with the new settings; the segment between them stays readable.
  Task<> replace(const TokenConfig& before, const TokenConfig& after) {
    co_await runners.at(after.name)->stop();
    runners.erase(after.name);
    bool failed = false;
    std::string reason;
    try {
      runners.emplace(after.name, make_runner(after));
    } catch (const Error& e) {
      failed = true;
      reason = e.what();
    }
    if (failed) {
      log::error("token keeps its old settings", {{"token", after.name}, {"error", reason}});
      runners.emplace(before.name, make_runner(before));
    }
    runners.at(after.name)->start();
  }

  Config config;
  BootTimers& timers;
  Event changed;
  WallTime started_at;
  std::string host;
  RuntimeDir runtime_dir;
  HttpClient http;
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<Coordinator> of_host;  // for tokens of this host alone, and for an outage of the other
  FleetCodec codec;
  LockBroker locks;
  ApiServer api;
  TokenRunner::Shared shared;
  std::map<std::string, std::unique_ptr<TokenRunner>> runners;
  Timers::Id heartbeat_timer = 0;
};

Agent::Agent(boost::asio::io_context& loop, BootTimers& timers, Random& random, Config config)
    : impl_(std::make_unique<Impl>(*this, loop, timers, random, std::move(config))) {}

Agent::~Agent() = default;

void Agent::start() {
  impl_->locks.configure(impl_->config.locks);
  impl_->api.start();
  impl_->coordinator->start();
  for (const auto& [name, runner] : impl_->runners) runner->start();
  impl_->beat();
}

Task<> Agent::reload(Config wanted) {
  const ReloadPlan plan = plan_reload(impl_->config, wanted);
  if (!plan.needs_restart.empty()) {
    throw Error("a restart is needed to change " + joined(plan.needs_restart));
  }
  if (wanted.tokens.empty() && !impl_->config.tokens.empty()) {
    throw Error(
        "the new configuration has no token at all, which would take every token from its readers; to mean it, "
        "restart the agent");
  }
  // Everything that can fail comes first: a token that cannot be opened leaves all as it was.
  impl_->locks.configure(wanted.locks);
  try {
    impl_->reconfigure_segments(plan.changed, wanted);
  } catch (const Error&) {
    impl_->locks.configure(impl_->config.locks);
    throw;
  }
  std::map<std::string, std::unique_ptr<TokenRunner>> added;
  for (const std::string& name : plan.added) added.emplace(name, impl_->make_runner(wanted.tokens.at(name)));

  for (const std::string& name : plan.removed) {
    co_await impl_->runners.at(name)->stop();
    impl_->runners.at(name)->retire();
    impl_->runners.erase(name);
  }
  for (const std::string& name : plan.changed) {
    const TokenConfig before = impl_->config.tokens.at(name);
    co_await impl_->replace(before, wanted.tokens.at(name));
  }
  for (auto& [name, runner] : added) {
    runner->start();
    impl_->runners.emplace(name, std::move(runner));
  }
  if (plan.log_changed) log::configure(wanted.agent.log.level, wanted.agent.log.format);
  const bool locks_changed = impl_->config.locks != wanted.locks;
  impl_->config = std::move(wanted);
  impl_->forget_others();
  impl_->changed.notify();
  log::info("configuration reloaded", {{"added", joined(plan.added)},
                                       {"removed", joined(plan.removed)},
                                       {"changed", joined(plan.changed)},
                                       {"locks", locks_changed ? "changed" : "as before"}});
}

Task<> Agent::stop() {
  impl_->timers.cancel(impl_->heartbeat_timer);
  co_await impl_->locks.stop();  // while its holders can still be told
  impl_->api.stop();
  // All at once: while one is waited for, no other may begin a fetch.
  for (const auto& [name, runner] : impl_->runners) runner->cancel();
  for (const auto& [name, runner] : impl_->runners) co_await runner->stop();
  impl_->coordinator->stop();
  if (impl_->of_host) impl_->of_host->stop();
  impl_->http.stop();
}

Duration Agent::stop_patience() const {
  constexpr Duration usual = std::chrono::seconds(5);
  Duration longest = usual;
  for (const auto& [name, token] : impl_->config.tokens) {
    if (keeps_state(token.source)) longest = std::max<Duration>(longest, longest_fetch(token.source) + usual);
  }
  return longest;
}

void Agent::clock_stepped() {
  log::warning("the wall clock was stepped; all schedules are computed anew");
  impl_->coordinator->clock_stepped();
  for (const auto& [name, runner] : impl_->runners) runner->clock_stepped();
}

std::string Agent::summary() const {
  const auto valid = std::count_if(impl_->runners.begin(), impl_->runners.end(),
                                   [](const auto& entry) { return entry.second->status().state == TokenState::valid; });
  const CoordinatorHealth health = impl_->coordinator->health();
  return std::to_string(valid) + " of " + std::to_string(impl_->runners.size()) + " tokens valid; coordinator " +
         health.backend + (health.reachable ? "" : " unreachable");
}

AgentStatus Agent::agent_status() const {
  AgentStatus status;
  status.version = JETON_VERSION;
  status.host = impl_->host;
  status.pid = ::getpid();
  status.started_at = impl_->started_at;
  status.now = impl_->timers.clock().wall_now();
  status.coordinator = impl_->coordinator->health();
  for (const auto& [name, runner] : impl_->runners) status.tokens.push_back(runner->status());
  if (!impl_->config.locks.empty()) status.locks = LocksStatus{impl_->locks.health(), impl_->locks.sessions()};
  return status;
}

std::optional<TokenStatus> Agent::token_status(const std::string& name) const {
  const auto found = impl_->runners.find(name);
  if (found == impl_->runners.end()) return std::nullopt;
  return found->second->status();
}

const AccessConfig* Agent::token_access(const std::string& name) const {
  const auto found = impl_->runners.find(name);
  return found == impl_->runners.end() ? nullptr : &found->second->config().access;
}

const AccessConfig& Agent::admins() const { return impl_->config.agent.admins; }

std::optional<DemandAnswer> Agent::token_rejected(const std::string& name, Generation generation) {
  const auto found = impl_->runners.find(name);
  if (found == impl_->runners.end()) return std::nullopt;
  return found->second->rejected(generation);
}

std::optional<DemandAnswer> Agent::refresh_token(const std::string& name) {
  const auto found = impl_->runners.find(name);
  if (found == impl_->runners.end()) return std::nullopt;
  return found->second->refresh_now();
}

LockBroker* Agent::locks() { return &impl_->locks; }

std::string Agent::host() const { return impl_->host; }

Event& Agent::changed() { return impl_->changed; }

}  // namespace jeton::agent
