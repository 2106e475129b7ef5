// An agent with what its host gives it: a reader of its log behind a small pipe, a small file system for its runtime
// directory, descriptors, memory, and a wall clock. Each of them can fail.
#pragma once

#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <string>

#include "agent/base/unique_fd.hpp"
#include "tests/chaos/host_clock.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::chaos {

// Gives this process a view of file systems of its own. Other processes do not see its mounts, and the mounts end with
// it. Returns false if the process is not root. Call it before the first thread starts.
[[nodiscard]] bool take_own_mounts();

class AgentHost {
 public:
  // `own_disk`: after take_own_mounts().
  AgentHost(test::AgentSettings settings, bool own_disk);
  AgentHost(const AgentHost&) = delete;
  AgentHost& operator=(const AgentHost&) = delete;
  ~AgentHost();

  [[nodiscard]] test::AgentProcess& agent() { return *agent_; }
  [[nodiscard]] std::string log() const { return log_reader_->out(); }
  [[nodiscard]] const HostClock& clock() const { return clock_; }

  // From its return on the agent can write nothing.
  void hang_log(bool hangs) const;
  // Every descriptor that it has open stays open, and it gets no other one until one of them is closed.
  void limit_descriptors();
  void end_limit_of_descriptors() const;
  // It keeps the memory that it has, and gets no more: an allocation may fail, and end it.
  void limit_memory() const;
  void end_limit_of_memory() const;
  void fill_disk() const;
  void free_disk() const;

 private:
  [[nodiscard]] std::filesystem::path ballast() const { return agent_->runtime_dir() / "ballast"; }

  test::TempDir dir_;
  HostClock clock_;
  agent::UniqueFd pipe_;  // keeps it open while no agent runs
  std::unique_ptr<test::Process> log_reader_;
  std::unique_ptr<test::AgentProcess> agent_;
  bool own_disk_;
  rlim_t usual_limit_ = 0;
};

}  // namespace jeton::chaos
