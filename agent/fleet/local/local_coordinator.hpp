// LocalCoordinator: a Coordinator for the agents of one host, in a directory of files: per token a lock file and a
// state file, so that a restarted agent finds its token and fetches nothing, and two agents exclude each other.
//
// A lease is a file lock: freed by the kernel if the process dies, and by this object when its time to live runs out
// without a renewal; until then it cannot be lost. The clock of the fleet is the host's own. Listeners hear what this
// object does; an agent in another process finds it when it loads.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"

namespace jeton::agent {

class LocalCoordinator final : public Coordinator {
 public:
  // The directory is made (0700) if it is not there. Timers and random outlive the coordinator.
  LocalCoordinator(Timers& timers, Random& random, std::filesystem::path directory);
  ~LocalCoordinator() override;

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override;
  Task<bool> renew(const std::string& name, Lease& lease) override;
  Task<> release(const std::string& name, const Lease& lease) override;
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override;
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override;
  Task<std::optional<Record>> load(const std::string& name) override;
  Task<> pause(const std::string& name, Pause pause) override;
  Task<> resume(const std::string& name) override;
  Task<FetchUsage> usage(const std::string& name) override;

  // The files of this host lose no count that it has to make good.
  Task<> restore_usage(const std::string& name, FetchUsage usage, Duration window) override;
  // The loop that reports it is the only one that listens.
  Task<> announce_rejection(const std::string& name, Generation generation) override;
  void configure(const std::string& /*name*/, const TokenTerms& /*terms*/) override {}
  void prune_except(const std::set<std::string>& names) override;
  void subscribe(const std::string& name, FleetListener* listener) override;

  [[nodiscard]] BackendHealth health() const override;
  void clock_stepped() override;
  void start() override;
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
