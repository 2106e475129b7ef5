// The processes of a run: the store, the provider, agents with their hosts, and clients of each agent. All calls from
// the main thread: a child ends with the thread that started it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/agent_host.hpp"
#include "tests/chaos/plan.hpp"
#include "tests/chaos/store.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::chaos {

// A process that writes its history to stdout: client_main.cpp.
class Client {
 public:
  Client(std::vector<std::string> argv, const HostClock& clock) : argv_(std::move(argv)), options_{.env = clock.env()} {
    launch();
  }

  void launch() {
    if (process_) earlier_ += process_->out();
    process_ = std::make_unique<test::Process>(argv_, options_);
  }
  [[nodiscard]] test::Process& process() { return *process_; }
  [[nodiscard]] std::string history() const { return earlier_ + process_->out(); }

 private:
  std::vector<std::string> argv_;
  test::ProcessOptions options_;
  std::unique_ptr<test::Process> process_;
  std::string earlier_;
};

class Fleet {
 public:
  // Returns when every agent has a token. `own_disks`: after take_own_mounts().
  Fleet(const Shape& shape, std::uint64_t seed, bool own_disks);

  void begin(const Fault& fault) { change(fault, true); }
  void end(const Fault& fault) { change(fault, false); }

  // The processes that have ended although no fault ended them.
  [[nodiscard]] std::vector<std::string> ended_by_themselves();
  // Clients first, so that they give their locks back. What does not end well is named.
  [[nodiscard]] std::vector<std::string> stop();

  // The lines of clients, provider and store.
  [[nodiscard]] std::string history() const;
  void save_logs(const std::filesystem::path& directory) const;

  // The parts of the configuration that check_history.py needs.
  [[nodiscard]] nlohmann::json promises() const;

 private:
  [[nodiscard]] test::AgentProcess& agent(std::size_t i) { return agents_[i]->agent(); }
  void change(const Fault& fault, bool begins);  // or ends
  void launch_clients(std::uint64_t seed);
  [[nodiscard]] std::string provider_history() const;

  Store store_;
  test::FaultProvider provider_;
  std::vector<std::unique_ptr<AgentHost>> agents_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<bool> agent_is_down_ = std::vector<bool>(hosts);
  std::vector<bool> client_is_down_ = std::vector<bool>(hosts * clients_of_a_host);
  std::string keys_at_the_end_;  // lines of the history
};

}  // namespace jeton::chaos
