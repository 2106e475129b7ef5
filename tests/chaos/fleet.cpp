#include "tests/chaos/fleet.hpp"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/chaos/history.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::chaos {
namespace {

using std::chrono::seconds;
using test::Behaviour;
using Mode = test::RedisProxy::Mode;

constexpr seconds token_lifetime{12};
constexpr seconds clock_step = std::chrono::hours(1);

test::AgentSettings settings_of(const Store& store, std::size_t host, const std::string& token_url) {
  test::AgentSettings settings;
  store.configure(settings, host);
  settings.token_url = token_url;
  settings.refresh =
      "{grace: 6s, spread: 250ms, min_interval: 2s,"
      " retry: {initial: 500ms, max: 2s, permanent: 3s, retry_after_max: 3s}}";
  settings.source_extra = "      timeout: 2s\n";
  settings.token_extra =
      "    budget: {calls: 2, per: 10s}\n"
      "locks:\n"
      "  \"*\": {max_ttl: 1m}\n"
      "  \"kept-*\": {max_ttl: 1m, when_agent_stops: keep}\n";
  settings.lock_ttl = "3s";
  settings.log_level = "info";
  return settings;
}

}  // namespace

nlohmann::json Fleet::promises() const {
  nlohmann::json all{{"min_interval_ms", 2'000},
                     {"budget_calls", 2},
                     {"budget_ms", 10'000},
                     {"timeout_ms", 1'000},
                     // The longest way back after all faults: a spent budget (10 s; a failover of 4 s has ended by
                     // then), the pause of a refusal (3 s), a lock of an updater that was killed (3 s), a call that
                     // hangs (2 s), a new connection (2 s), a lock of a client (4 s).
                     {"recovery_ms", 24'000},
                     {"hosts", hosts},
                     {"locks", {"job", "kept-job"}}};
  all.update(store_.groups());
  return all;
}

Fleet::Fleet(const Shape& shape, std::uint64_t seed, bool own_disks)
    : store_(shape), provider_({.lifetime = token_lifetime}) {
  for (std::size_t i = 0; i < hosts; ++i) {
    agents_.push_back(std::make_unique<AgentHost>(settings_of(store_, i, provider_.url()), own_disks));
  }
  for (const auto& host : agents_) host->agent().launch();
  for (const auto& host : agents_) {
    host->agent().await();
    if (!test::eventually([&] { return host->agent().valid(); })) throw std::runtime_error("no token: " + host->log());
  }
  launch_clients(seed);
}

void Fleet::launch_clients(std::uint64_t seed) {
  for (std::size_t host = 0; host < hosts; ++host) {
    const auto launch = [&](const std::string& name, std::vector<std::string> work) {
      const std::string number = std::to_string(host);
      std::vector<std::string> argv{JETON_CHAOS_CLIENT, agent(host).runtime_dir(), number, name + "-" + number,
                                    std::to_string(seed + clients_.size())};
      argv.insert(argv.end(), work.begin(), work.end());
      clients_.push_back(std::make_unique<Client>(std::move(argv), agents_[host]->clock()));
    };
    launch("reader-a", {"read"});
    launch("reader-b", {"read"});
    launch("worker", {"lock", "job"});
    launch("keeper", {"lock", "kept-job"});
  }
}

void Fleet::change(const Fault& fault, bool begins) {
  const std::size_t target = fault.target;
  const auto set_paused = [&](const auto& process) { process.signal(begins ? SIGSTOP : SIGCONT); };
  const auto set_link = [&](Mode mode) { store_.link(target).set(begins ? mode : Mode::open); };
  const auto behave = [&](Behaviour bad) { provider_.behave(begins ? std::move(bad) : Behaviour::good()); };
  const auto set_clock = [&](seconds ahead) { agents_[target]->clock().set(begins ? ahead : seconds{0}); };
  switch (fault.kind) {
    case FaultKind::agent_kill:
      agent_is_down_[target] = begins;
      return begins ? agent(target).kill() : agent(target).launch();
    case FaultKind::agent_restart:
      agent_is_down_[target] = begins;
      if (begins) return agent(target).signal(SIGTERM);
      agent(target).wait();  // it may be ending still: systemd waits for that, too
      return agent(target).launch();
    case FaultKind::agent_pause:
      return set_paused(agent(target));
    case FaultKind::agent_descriptors:
      return begins ? agents_[target]->limit_descriptors() : agents_[target]->end_limit_of_descriptors();
    case FaultKind::agent_disk_full:
      return begins ? agents_[target]->fill_disk() : agents_[target]->free_disk();
    case FaultKind::agent_memory:
      agent_is_down_[target] = begins;  // or soon will be
      if (begins) return agents_[target]->limit_memory();
      return agent(target).running() ? agents_[target]->end_limit_of_memory() : agent(target).launch();
    case FaultKind::agent_log_hangs:
      return agents_[target]->hang_log(begins);
    case FaultKind::clock_forth:
      return set_clock(clock_step);
    case FaultKind::clock_back:
      return set_clock(-clock_step);
    case FaultKind::redis_pause:
      return set_paused(store_.server(target));
    case FaultKind::redis_restart_empty:
      return begins ? store_.server(target).kill() : store_.restart(target);
    case FaultKind::redis_flush:
      if (begins) store_.server(target).flush();
      return;
    case FaultKind::redis_refuses:
      store_.server(target).cli({"CONFIG", "SET", "maxmemory", begins ? "1" : "0"});
      return;
    case FaultKind::replication_held:
      return store_.hold_replication(begins);
    case FaultKind::sentinel_pause:
      return store_.pause_sentinel(target, begins);
    case FaultKind::network_cut:
      return set_link(Mode::refused);
    case FaultKind::network_deaf:
      return set_link(Mode::deaf);
    case FaultKind::network_held:
      return set_link(Mode::held);
    case FaultKind::network_slow:
      return set_link(Mode::slow);
    case FaultKind::provider_failure:
      return behave(Behaviour::failure(503));
    case FaultKind::provider_refusal:
      return behave(Behaviour::failure(403));
    case FaultKind::provider_retry_after:
      return behave(Behaviour::pause(429, "2"));
    case FaultKind::provider_nonsense:
      return behave(Behaviour::text("<html>it works</html>"));
    case FaultKind::provider_hang:
      return behave(Behaviour::only(Behaviour::Kind::hang));
    case FaultKind::provider_slow:
      return behave(Behaviour::slow(milliseconds(1'500)));
    case FaultKind::provider_breaks_off:
      return behave(Behaviour::only(Behaviour::Kind::truncated));
    case FaultKind::provider_away:
      return begins ? provider_.stop_listening() : provider_.listen_again();
    case FaultKind::client_kill:
      client_is_down_[target] = begins;
      return begins ? clients_[target]->process().kill() : clients_[target]->launch();
    case FaultKind::client_pause:
      return set_paused(clients_[target]->process());
  }
}

std::vector<std::string> Fleet::ended_by_themselves() {
  std::vector<std::string> ended;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (!agent_is_down_[i] && !agent(i).running()) ended.push_back("agent " + std::to_string(i));
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (client_is_down_[i] || clients_[i]->process().running()) continue;
    ended.push_back("client " + std::to_string(i) + ": " + clients_[i]->process().err());
  }
  return ended;
}

std::vector<std::string> Fleet::stop() {
  std::vector<std::string> failed;
  for (const auto& client : clients_) client->process().signal(SIGTERM);
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i]->process().wait() != 0) failed.push_back("client " + std::to_string(i));
  }
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agent(i).stop() != 0) failed.push_back("agent " + std::to_string(i));
  }
  keys_at_the_end_ = store_.history_of_keys();
  return failed;
}

std::string Fleet::history() const {
  std::string text = provider_history() + store_.history() + keys_at_the_end_;
  for (const auto& client : clients_) text += client->history();
  return text;
}

std::string Fleet::provider_history() const {
  std::string text;
  for (const test::SeenRequest& request : provider_.seen()) {
    const Moment at = moment_of(request.boot_at, request.at);
    text += history_line("call", at, at, nlohmann::json::object());
  }
  for (const test::IssuedToken& token : provider_.issued()) {
    const Moment at = moment_of(token.boot_issued_at, token.issued_at);
    text +=
        history_line("issue", at, at, {{"token", fingerprint(token.value)}, {"lifetime_ms", token.lifetime.count()}});
  }
  return text;
}

void Fleet::save_logs(const std::filesystem::path& directory) const {
  store_.save_logs(directory);
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    std::ofstream(directory / ("agent-" + std::to_string(i) + ".log")) << agents_[i]->log();
  }
}

}  // namespace jeton::chaos
