// VirtualFleet: agents with the production coordinator around Redis servers in memory and one provider, in virtual
// time, from one seed. One server: the redis backend; several: redlock; none: each host's local backend.
//
// Every run of an agent has addresses of its own to the servers, so that a crash can cut off exactly that run, as the
// end of a process does.
//
// A fleet beside another one is one more token of the same agents: it has a provider, segments and refresh loops of its
// own, and the loop, servers, clocks and coordinators of the other, which outlives it. It can be started when the
// agents of the other run, and stopped before them, and no more.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/fleet/lock_store.hpp"
#include "tests/support/memory_redis/memory_network.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_loop.hpp"
#include "tests/virtual/refresh/virtual_host.hpp"

namespace jeton::test {

inline constexpr const char* token_key_of_api = "jeton:{api}:token";  // where a server has the record

struct FleetSettings {
  std::string token = "api";
  std::size_t agents = 1;
  std::size_t servers = 1;
  agent::RefreshConfig refresh{};
  agent::BudgetConfig budget{};
  agent::SourceConfig source{};  // its type only: whether the token keeps a state
  bool revokes = false;
  agent::Milliseconds lock_ttl{15'000};
  std::optional<agent::Milliseconds> fetch_alone{};
  agent::FleetCodec codec{};
  bool real_segments = false;           // the production ones, in files, beside the model
  std::optional<std::uint64_t> seed{};  // none: that of the test
};

class VirtualFleet {
  // Before the loop, because what that leaves unfinished may still cancel a timer.
  std::vector<std::shared_ptr<HostTimers>> times_;
  std::unique_ptr<VirtualLoop> own_loop_;
  std::unique_ptr<MemoryNetwork> own_network_;
  VirtualFleet* beside_;

 public:
  // Beside another fleet with as many agents and servers, or null.
  explicit VirtualFleet(FleetSettings settings, VirtualFleet* beside = nullptr);
  ~VirtualFleet();
  VirtualFleet(const VirtualFleet&) = delete;
  VirtualFleet& operator=(const VirtualFleet&) = delete;

  void start(std::size_t agent);
  void start_all();
  // In an orderly way: cancellation, lock given back.
  void stop(std::size_t agent);
  // The same, while the loop turns; it runs until has_stopped().
  void stop_soon(std::size_t agent);
  [[nodiscard]] bool has_stopped(std::size_t agent);
  // The loop of the agent ends, and another one takes its place over the same connections, as at a reload that changes
  // the token.
  void reload(std::size_t agent);
  // The same, while the loop turns.
  void reload_soon(std::size_t agent);
  [[nodiscard]] bool runs(std::size_t agent) const { return hosts_.at(agent) != nullptr; }
  // Gone at once, like kill -9: none of its messages arrive any more; its lock stays until it expires.
  void crash(std::size_t agent);
  // Like SIGSTOP and SIGCONT to everything on the host, but time of the host goes on: what arrives or becomes due
  // meanwhile is dealt with afterwards.
  void pause(std::size_t agent);
  void go_on(std::size_t agent);
  [[nodiscard]] bool is_paused(std::size_t agent) const { return times_.at(agent)->stopped(); }
  // Sets the codec of agents that are started from now on.
  void set_codec(agent::FleetCodec codec) { settings_.codec = std::move(codec); }
  void set_budget(const agent::BudgetConfig& budget) { token_.budget = budget; }
  // Every host's wall clock is so far ahead from now on, and each agent that runs notices.
  void step_clocks(agent::Milliseconds offset);
  // The wall clock of one host is so far ahead of the others from now on; its agent notices, if it runs.
  void step_clock(std::size_t agent, agent::Milliseconds offset);
  [[nodiscard]] const agent::Clock& clock_of(std::size_t agent) const { return times_.at(agent)->clock(); }
  // For the locks of applications of an agent that runs; it is as near to the servers as that run is.
  [[nodiscard]] std::unique_ptr<agent::LockStore> make_lock_store(std::size_t agent);
  [[nodiscard]] HostTimers& timers_of(std::size_t agent) { return *times_.at(agent); }
  // The files of a host on its disk and in its runtime directory, beside the segment.
  [[nodiscard]] std::filesystem::path directory(std::size_t agent) const;

  // The network between all agents and one server, or every server.
  void cut_off(std::size_t server);
  void cut_off_all();
  void reconnect_all();
  // The network between one agent, in all its runs, and one server; it comes before what is between all and the server.
  void set_way(std::size_t agent, std::size_t server, MemoryNetwork::Fault fault);
  // The connections of an agent to every server are dead. `told`: it and the servers notice at once, else neither does.
  void lose_connections(std::size_t agent, bool told);
  // Between all agents and one server.
  void set_fault(std::size_t server, MemoryNetwork::Fault fault);

  void pass(agent::Duration duration) { loop.pass(duration); }
  [[nodiscard]] bool until(const std::function<bool()>& condition, agent::Duration limit = std::chrono::minutes(10)) {
    return loop.turn_until(condition, limit);
  }

  [[nodiscard]] MemoryServer& server(std::size_t i = 0) { return *servers_.at(i); }
  [[nodiscard]] std::size_t servers() const { return servers_.size(); }
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] agent::RefreshLoop& refresh(std::size_t agent) { return hosts_.at(agent)->refresh(); }
  [[nodiscard]] agent::TokenStatus status(std::size_t agent) const { return hosts_.at(agent)->refresh().status(); }
  [[nodiscard]] std::string stored(const std::string& field, std::size_t server = 0);  // of the record
  [[nodiscard]] agent::Generation stored_generation(std::size_t server = 0);
  // The agent that asks the provider now.
  [[nodiscard]] std::optional<std::size_t> updater() const;

  [[nodiscard]] bool all(const std::function<bool(const agent::TokenStatus&)>& condition) const;  // that run
  [[nodiscard]] bool all_hold(agent::Generation generation) const;
  [[nodiscard]] bool all_valid() const;
  [[nodiscard]] bool all_above(agent::Generation generation) const;
  [[nodiscard]] std::uint64_t went_back() const;
  [[nodiscard]] std::uint64_t lock_attempts() const;  // also of agents that ended
  // Of one agent in all its runs: how many there were, the commands that a server got, the connections that it has
  // open.
  [[nodiscard]] std::size_t runs_of(std::size_t agent) const;
  [[nodiscard]] std::uint64_t commands(std::size_t agent, std::size_t server) const;
  [[nodiscard]] std::size_t connections(std::size_t agent, std::size_t server) const;
  // Of a server, for one of all runs. No name, which each connect would look up, and each connection again and again.
  [[nodiscard]] static agent::redis::Address address(std::size_t run, std::size_t server);
  // The run that has this address of a server, and whose it was, if it was ended by a crash.
  [[nodiscard]] static std::optional<std::size_t> run_at(const std::string& address);
  // That an agent is in, or was in last, out of all runs.
  [[nodiscard]] std::size_t run_of(std::size_t agent) const { return runs_.at(agent); }
  [[nodiscard]] std::optional<std::size_t> dead_agent_of(std::size_t run) const;
  // Where a server has something of the token: "jeton:{api}:fence".
  [[nodiscard]] std::string key(const std::string& what) const { return "jeton:{" + token_.name + "}:" + what; }
  [[nodiscard]] std::uint64_t sum(std::uint64_t agent::TokenStatus::*counter) const;

  VirtualLoop& loop;
  MemoryNetwork& network;
  ModelProvider provider{loop.timers};
  std::vector<ModelSegment> segments;
  std::vector<std::string> secrets;

 private:
  [[nodiscard]] std::shared_ptr<agent::Coordinator> make_coordinator(std::size_t run,
                                                                     const std::filesystem::path& directory);
  [[nodiscard]] agent::Backends make_backends(std::size_t run);
  [[nodiscard]] std::unique_ptr<VirtualHost> make_host(std::size_t agent,
                                                       std::shared_ptr<agent::Coordinator> coordinator,
                                                       VirtualHost::Legacy legacy = {});
  void replace_loop(std::size_t agent);
  void end(std::size_t agent, agent::Duration limit);
  void refit(std::size_t run, std::size_t server);
  void refit_all();

  FleetSettings settings_;
  agent::TokenConfig token_;
  TempDir dir_;
  std::vector<std::shared_ptr<MemoryServer>> servers_;
  std::vector<MemoryNetwork::Fault> faults_;
  std::vector<std::unique_ptr<VirtualHost>> hosts_;
  std::vector<std::unique_ptr<VirtualHost>> stopping_;
  std::vector<std::vector<MemoryNetwork::Fault>> ways_;  // by agent and server
  std::vector<std::size_t> runs_;                        // of each agent: which run it is in, of all runs
  std::vector<std::size_t> agents_;                      // by run
  std::vector<std::vector<std::size_t>> runs_by_agent_;  // each in their order
  std::vector<std::unique_ptr<VirtualHost>> ended_;      // may still be about to end
  std::vector<bool> dead_;                               // by run
  std::uint64_t reloads_ = 0;
  std::uint64_t attempts_of_ended_ = 0;
};

}  // namespace jeton::test
