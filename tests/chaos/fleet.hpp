// The processes of a run: servers, a proxy on the way of each agent to each of them, the provider, agents, and clients
// of each agent. All calls from the main thread: a child ends with the thread that started it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/plan.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/redis_proxy.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::chaos {

// A process that writes its history to stdout: client_main.cpp.
class Client {
 public:
  explicit Client(std::vector<std::string> argv) : argv_(std::move(argv)) { launch(); }

  void launch() {
    if (process_) earlier_ += process_->out();
    process_ = std::make_unique<test::Process>(argv_);
  }
  [[nodiscard]] test::Process& process() { return *process_; }
  [[nodiscard]] std::string history() const { return earlier_ + process_->out(); }

 private:
  std::vector<std::string> argv_;
  std::unique_ptr<test::Process> process_;
  std::string earlier_;
};

class Fleet {
 public:
  // Returns when every agent has a token.
  Fleet(std::size_t servers, std::uint64_t seed);

  void begin(const Fault& fault);
  void end(const Fault& fault);

  // What has ended although no fault ended it.
  [[nodiscard]] std::vector<std::string> ended_by_themselves();
  // Clients first, so that they give their locks back. What does not end well is named.
  [[nodiscard]] std::vector<std::string> stop();

  // The lines of clients and provider.
  [[nodiscard]] std::string history() const;
  void save_logs(const std::filesystem::path& directory) const;

  // What check_history.py has to know of the configuration.
  [[nodiscard]] static nlohmann::json promises();

 private:
  void set_link(std::size_t target, test::RedisProxy::Mode mode) { links_[target]->set(mode); }
  void launch_clients(std::uint64_t seed);
  [[nodiscard]] std::string provider_history() const;

  std::vector<std::unique_ptr<test::RedisServer>> servers_;
  std::vector<std::unique_ptr<test::RedisProxy>> links_;
  test::FaultProvider provider_;
  std::vector<std::unique_ptr<test::AgentProcess>> agents_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<bool> agent_is_down_ = std::vector<bool>(hosts);
  std::vector<bool> client_is_down_ = std::vector<bool>(hosts * clients_of_a_host);
};

}  // namespace jeton::chaos
