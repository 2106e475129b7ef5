#include "tests/virtual/refresh/virtual_fleet.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"

namespace jeton::test {

using Fault = MemoryNetwork::Fault;

namespace {

constexpr std::size_t addresses_of_a_run = 8;
constexpr agent::Duration command_timeout = std::chrono::milliseconds(500);  // the default of the configuration

agent::TokenConfig token_of(const FleetSettings& settings) {
  agent::TokenConfig token;
  token.name = settings.token;
  token.refresh = settings.refresh;
  token.budget = settings.budget;
  token.source = settings.source;
  return token;
}

}  // namespace

VirtualFleet::VirtualFleet(FleetSettings settings, VirtualFleet* beside)
    : own_loop_(beside != nullptr ? nullptr
                                  : std::make_unique<VirtualLoop>(settings.seed.value_or(seed_of_the_test()))),
      own_network_(beside != nullptr ? nullptr : std::make_unique<MemoryNetwork>(own_loop_->timers, own_loop_->random)),
      beside_(beside),
      loop(beside != nullptr ? beside->loop : *own_loop_),
      network(beside != nullptr ? beside->network : *own_network_),
      segments(settings.agents),
      secrets(settings.agents, "secret"),
      settings_(std::move(settings)),
      token_(token_of(settings_)),
      faults_(settings_.servers, Fault::none),
      hosts_(settings_.agents),
      stopping_(settings_.agents),
      ways_(settings_.agents, std::vector<Fault>(settings_.servers, Fault::none)),
      runs_(settings_.agents),
      runs_by_agent_(settings_.agents) {
  if (beside != nullptr) {
    times_ = beside->times_;
    servers_ = beside->servers_;
    return;
  }
  network.set_latency(std::chrono::microseconds(50), std::chrono::microseconds(500));
  for (std::size_t i = 0; i < settings_.agents; ++i) times_.push_back(std::make_shared<HostTimers>(loop.timers));
  for (std::size_t i = 0; i < settings_.servers; ++i) {
    servers_.push_back(std::make_shared<MemoryServer>(loop.timers, loop.random));
  }
}

VirtualFleet::~VirtualFleet() {
  provider.behave({});
  provider.release();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (stopping_[i]) ended_.push_back(std::move(stopping_[i]));
    go_on(i);
    stop(i);
  }
  // A dead run may be in the middle of a publication, which it tries for as long as its token lives.
  loop.turn_until([&] { return std::all_of(ended_.begin(), ended_.end(), [](const auto& h) { return h->ended(); }); },
                  std::chrono::hours(48));
  ended_.clear();
}

agent::redis::Address VirtualFleet::address(std::size_t run, std::size_t server) {
  const std::size_t number = run * addresses_of_a_run + server;
  agent::redis::Address address;
  address.host = "10." + std::to_string(number >> 16U) + "." + std::to_string((number >> 8U) & 255U) + "." +
                 std::to_string(number & 255U);
  return address;
}

std::shared_ptr<agent::Coordinator> VirtualFleet::make_coordinator(std::size_t run,
                                                                   const std::filesystem::path& of_host) {
  if (beside_ != nullptr) return beside_->hosts_.at(agents_[run])->shared_coordinator();
  if (servers_.empty()) {
    return agent::make_local_coordinator(*times_[agents_[run]], loop.random, of_host / "coordination");
  }
  return make_backends(run).coordinator;
}

std::unique_ptr<agent::LockStore> VirtualFleet::make_lock_store(std::size_t agent) {
  if (servers_.empty()) return agent::make_local_lock_store(*times_[agent], directory(agent) / "locks");
  return make_backends(runs_[agent]).locks;
}

agent::Backends VirtualFleet::make_backends(std::size_t run) {
  std::vector<agent::redis::ConnectOptions> connections;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    network.point(address(run, i), servers_[i]);
    refit(run, i);
    agent::redis::ConnectOptions& connection = connections.emplace_back();
    connection.address = address(run, i);
    connection.client_name = "jeton-agent";
    connection.timeout = command_timeout;
    connection.connect = network.connector();
    connection.resolve = network.resolver();
  }
  agent::Timers& timers = *times_[agents_[run]];
  if (connections.size() == 1) {
    agent::RedisOptions options;
    options.connection = std::move(connections.front());
    options.codec = settings_.codec;
    return agent::make_redis_backends(timers, loop.random, std::move(options));
  }
  agent::RedlockOptions options;
  options.servers = std::move(connections);
  options.codec = settings_.codec;
  return agent::make_redlock_backends(timers, loop.random, options);
}

void VirtualFleet::start(std::size_t agent) {
  if (hosts_[agent] || stopping_[agent]) throw std::logic_error("the agent runs already");
  const std::size_t run = dead_.size();
  dead_.push_back(false);
  runs_[agent] = run;
  agents_.push_back(agent);
  runs_by_agent_[agent].push_back(run);
  std::filesystem::create_directories(directory(agent));
  if (settings_.real_segments) segments[agent].directory = directory(agent) / "run";
  hosts_[agent] = make_host(agent, make_coordinator(run, directory(agent)));
}

std::unique_ptr<VirtualHost> VirtualFleet::make_host(std::size_t agent, std::shared_ptr<agent::Coordinator> coordinator,
                                                     VirtualHost::Legacy legacy) {
  return std::make_unique<VirtualHost>(token_, std::move(coordinator),
                                       VirtualHost::Parts{.loop = loop,
                                                          .time = *times_[agent],
                                                          .provider = provider,
                                                          .segment = segments[agent],
                                                          .secret = secrets[agent],
                                                          .directory = directory(agent),
                                                          .codec = settings_.codec,
                                                          .revokes = settings_.revokes,
                                                          .lock_ttl = settings_.lock_ttl,
                                                          .fetch_alone = settings_.fetch_alone,
                                                          .name = "host-" + std::to_string(agent)},
                                       std::move(legacy));
}

void VirtualFleet::reload(std::size_t agent) {
  const std::uint64_t before = reloads_;
  reload_soon(agent);
  if (!loop.turn_until([&] { return reloads_ > before; }, std::chrono::minutes(1))) {
    throw std::logic_error("the loop does not end");
  }
}

void VirtualFleet::reload_soon(std::size_t agent) {
  loop.pass(agent::Duration{0});
  hosts_[agent]->cancel([this, agent] { replace_loop(agent); });
}

void VirtualFleet::replace_loop(std::size_t agent) {
  if (!hosts_[agent]) return;  // it is ended in this turn
  ++reloads_;
  attempts_of_ended_ += status(agent).lock_attempts;
  auto coordinator = hosts_[agent]->shared_coordinator();
  VirtualHost::Legacy legacy = hosts_[agent]->release();
  hosts_[agent].reset();
  hosts_[agent] = make_host(agent, std::move(coordinator), std::move(legacy));
}

std::filesystem::path VirtualFleet::directory(std::size_t agent) const {
  return dir_ / ("host-" + std::to_string(agent));
}

void VirtualFleet::start_all() {
  for (std::size_t i = 0; i < hosts_.size(); ++i) start(i);
}

void VirtualFleet::stop(std::size_t agent) { end(agent, std::chrono::minutes(1)); }

void VirtualFleet::stop_soon(std::size_t agent) {
  go_on(agent);
  loop.pass(agent::Duration{0});
  hosts_[agent]->cancel();
  stopping_[agent] = std::move(hosts_[agent]);
}

bool VirtualFleet::has_stopped(std::size_t agent) {
  if (!stopping_[agent]) return !hosts_[agent];
  if (!stopping_[agent]->ended()) return false;
  hosts_[agent] = std::move(stopping_[agent]);
  end(agent, agent::Duration{0});
  return true;
}

void VirtualFleet::crash(std::size_t agent) {
  if (stopping_[agent]) hosts_[agent] = std::move(stopping_[agent]);
  if (!hosts_[agent]) return;
  hosts_[agent]->die();
  dead_[runs_[agent]] = true;
  for (std::size_t i = 0; i < servers_.size(); ++i) refit(runs_[agent], i);
  end(agent, agent::Duration{0});
}

void VirtualFleet::pause(std::size_t agent) {
  times_[agent]->stop();
  refit_all();
}

void VirtualFleet::go_on(std::size_t agent) {
  if (!is_paused(agent)) return;
  times_[agent]->go_on();
  refit_all();
}

void VirtualFleet::end(std::size_t agent, agent::Duration limit) {
  auto host = std::exchange(hosts_[agent], nullptr);
  if (!host) return;
  attempts_of_ended_ += host->refresh().status().lock_attempts;
  // It has begun by then, as in the agent: Boost 1.82 and later throw out of the loop where a task is cancelled before.
  loop.pass(agent::Duration{0});
  host->cancel();
  go_on(agent);
  loop.turn_until([&] { return host->ended(); }, limit);
  host->die();  // the process is gone, and with it every timer
  if (beside_ == nullptr) host->coordinator().stop();
  ended_.push_back(std::move(host));
}

void VirtualFleet::step_clocks(agent::Milliseconds offset) {
  loop.virtual_clock().wall_offset = offset;
  for (const auto& host : hosts_) {
    if (!host) continue;
    host->coordinator().clock_stepped();
    host->refresh().clock_stepped();
  }
}

void VirtualFleet::step_clock(std::size_t agent, agent::Milliseconds offset) {
  times_[agent]->set_wall_offset(offset);
  if (!hosts_[agent]) return;
  hosts_[agent]->coordinator().clock_stepped();
  hosts_[agent]->refresh().clock_stepped();
}

void VirtualFleet::refit(std::size_t run, std::size_t server) {
  const std::size_t agent = agents_[run];
  const Fault of_way = ways_[agent][server];
  const Fault of_run = of_way != Fault::none ? of_way : faults_[server];
  const agent::redis::Address at = address(run, server);
  network.set_client_stopped(at, !dead_[run] && is_paused(agent));
  network.set_fault(at, dead_[run] ? Fault::refused : of_run);
}

// What has ended is permanently out of reach.
void VirtualFleet::refit_all() {
  for (std::size_t run = 0; run < dead_.size(); ++run) {
    for (std::size_t i = 0; i < servers_.size() && !dead_[run]; ++i) refit(run, i);
  }
}

void VirtualFleet::set_fault(std::size_t server, Fault fault) {
  faults_[server] = fault;
  refit_all();
}

void VirtualFleet::set_way(std::size_t agent, std::size_t server, Fault fault) {
  ways_[agent][server] = fault;
  refit_all();
}

void VirtualFleet::lose_connections(std::size_t agent, bool told) {
  for (std::size_t i = 0; i < servers_.size(); ++i) network.lose_connections(address(runs_[agent], i), told);
}

void VirtualFleet::cut_off(std::size_t server) { set_fault(server, Fault::no_connection); }

void VirtualFleet::cut_off_all() {
  for (std::size_t i = 0; i < servers_.size(); ++i) cut_off(i);
}

void VirtualFleet::reconnect_all() {
  for (std::size_t i = 0; i < servers_.size(); ++i) set_fault(i, Fault::none);
}

std::string VirtualFleet::stored(const std::string& field, std::size_t server) {
  return servers_.at(server)->cli({"HGET", key("token"), field});
}

agent::Generation VirtualFleet::stored_generation(std::size_t server) {
  const std::string text = stored("generation", server);
  return text.empty() ? 0 : std::stoull(text);
}

std::optional<std::size_t> VirtualFleet::updater() const {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i] && status(i).phase == agent::RefreshPhase::fetching) return i;
  }
  return std::nullopt;
}

bool VirtualFleet::all(const std::function<bool(const agent::TokenStatus&)>& condition) const {
  return std::all_of(hosts_.begin(), hosts_.end(),
                     [&](const auto& host) { return !host || condition(host->refresh().status()); });
}

bool VirtualFleet::all_hold(agent::Generation generation) const {
  return std::all_of(segments.begin(), segments.end(), [&](const auto& s) { return s.generation() == generation; });
}

bool VirtualFleet::all_above(agent::Generation generation) const {
  return std::all_of(segments.begin(), segments.end(), [&](const auto& s) { return s.generation() > generation; });
}

bool VirtualFleet::all_valid() const {
  const agent::WallTime now = loop.clock.wall_now();
  return std::all_of(segments.begin(), segments.end(),
                     [&](const auto& s) { return s.record && s.record->valid_at(now); });
}

std::uint64_t VirtualFleet::went_back() const {
  std::uint64_t count = 0;
  for (const auto& segment : segments) count += segment.went_back;
  return count;
}

std::uint64_t VirtualFleet::lock_attempts() const {
  return attempts_of_ended_ + sum(&agent::TokenStatus::lock_attempts);
}

std::size_t VirtualFleet::runs_of(std::size_t agent) const { return runs_by_agent_.at(agent).size(); }

std::uint64_t VirtualFleet::commands(std::size_t agent, std::size_t server) const {
  std::uint64_t count = 0;
  for (const std::size_t run : runs_by_agent_.at(agent)) {
    count += servers_.at(server)->commands_of(address(run, server).host);
  }
  return count;
}

std::size_t VirtualFleet::connections(std::size_t agent, std::size_t server) const {
  std::size_t count = 0;
  for (const std::size_t run : runs_by_agent_.at(agent)) count += network.connections(address(run, server));
  return count;
}

std::optional<std::size_t> VirtualFleet::run_at(const std::string& address) {
  if (!address.starts_with("10.")) return std::nullopt;
  std::size_t number = 0;
  std::istringstream parts(address.substr(3));
  for (std::string part; std::getline(parts, part, '.');) number = number * 256 + std::stoul(part);
  return number / addresses_of_a_run;
}

std::optional<std::size_t> VirtualFleet::dead_agent_of(std::size_t run) const {
  return dead_.at(run) ? std::optional(agents_.at(run)) : std::nullopt;
}

std::uint64_t VirtualFleet::sum(std::uint64_t agent::TokenStatus::*counter) const {
  std::uint64_t sum = 0;
  for (const auto& host : hosts_) {
    if (host) sum += host->refresh().status().*counter;
  }
  return sum;
}

}  // namespace jeton::test
