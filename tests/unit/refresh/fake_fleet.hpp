// FakeFleet: the roles of a coordinator that answer as a test says, and remember what they were asked. Each role can be
// out of reach. One thread: the loop's.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"

namespace jeton::test {

class FakeFleet final : public agent::LeaseStore,
                        public agent::RecordStore,
                        public agent::FetchBudget,
                        public agent::FleetSignals {
 public:
  // The answers. A call whose name is in `failing` throws TransportError.
  std::set<std::string> failing;
  agent::AcquireResult lock;
  agent::Admission admission;
  agent::FetchUsage counted;
  std::optional<agent::Record> stored;
  bool reports = false;                                // losses
  std::function<void()> while_loading = [] {};         // before the answer to load()
  std::function<void()> while_pausing = [] {};         // before the answer to pause()
  std::function<void()> while_admitting = [] {};       // before the answer to admit()
  std::function<void()> while_counting = [] {};        // before the answer to usage()
  std::function<agent::Task<>()> before_publishing{};  // publish() waits for it

  // The calls that were made.
  std::vector<std::string> calls;  // by name, in order
  agent::FetchLimits limits;       // of the last admission
  std::vector<agent::Pause> pauses;
  std::vector<agent::ResumeReason> resumed;
  std::vector<agent::FetchUsage> restored;
  std::vector<agent::Generation> rejected;

  [[nodiscard]] int times(const std::string& call) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), call));
  }

  agent::Task<agent::AcquireResult> try_acquire(const std::string& /*name*/, agent::Duration /*ttl*/) override {
    ask("try_acquire");
    co_return lock;
  }
  agent::Task<bool> renew(const std::string& /*name*/, agent::Lease& /*lease*/) override {
    ask("renew");
    co_return true;
  }
  agent::Task<> release(const std::string& /*name*/, const agent::Lease& /*lease*/) override {
    ask("release");
    co_return;
  }

  agent::Task<agent::PublishResult> publish(const std::string& /*name*/, const agent::Record& record,
                                            const agent::Lease& /*lease*/) override {
    ask("publish");
    if (before_publishing) co_await before_publishing();
    agent::PublishResult result;
    result.stored = !stored || stored->generation < record.generation;
    if (result.stored) {
      stored = record;
    } else {
      result.current = stored;
    }
    co_return result;
  }
  agent::Task<std::optional<agent::Record>> load(const std::string& /*name*/) override {
    ask("load");
    while_loading();
    co_return stored;
  }

  agent::Task<agent::Admission> admit(const std::string& /*name*/, const agent::Lease& /*lease*/,
                                      const agent::FetchLimits& asked) override {
    limits = asked;
    ask("admit");
    while_admitting();
    co_return admission;
  }
  agent::Task<agent::FetchUsage> usage(const std::string& /*name*/) override {
    ask("usage");
    while_counting();
    co_return counted;
  }
  agent::Task<> restore_usage(const std::string& /*name*/, agent::FetchUsage usage,
                              const agent::FetchLimits& /*limits*/) override {
    ask("restore_usage");
    restored.push_back(usage);
    co_return;
  }

  void subscribe(const std::string& /*name*/, agent::FleetListener* /*listener*/) override {}
  [[nodiscard]] bool reports_losses(const std::string& /*name*/) const override { return reports; }
  agent::Task<> pause(const std::string& /*name*/, agent::Pause pause) override {
    ask("pause");
    pauses.push_back(std::move(pause));
    while_pausing();
    co_return;
  }
  agent::Task<> resume(const std::string& /*name*/, agent::ResumeReason reason) override {
    ask("resume");
    resumed.push_back(reason);
    co_return;
  }
  agent::Task<> announce_rejection(const std::string& /*name*/, agent::Generation generation) override {
    ask("announce_rejection");
    rejected.push_back(generation);
    co_return;
  }

 private:
  void ask(const std::string& call) {
    calls.push_back(call);
    if (failing.contains(call)) throw agent::TransportError(call + ": out of reach");
  }
};

}  // namespace jeton::test
