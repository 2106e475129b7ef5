// VirtualHost: one run of an agent for one token, from its start to its stop or crash: the production coordinator,
// refresh loop, revoker and record file, around the segment and the directory that survive it. One thread: the loop's.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/config/model/config.hpp"
#include "agent/refresh/refresh_loop.hpp"
#include "agent/refresh/revoker.hpp"
#include "tests/support/test_loop.hpp"
#include "tests/virtual/refresh/model_provider.hpp"
#include "tests/virtual/refresh/model_segment.hpp"

namespace jeton::test {

class VirtualHost {
 public:
  // The parts that survive the loop at a reload.
  struct Legacy {
    std::unique_ptr<ModelStore> store{};
    std::unique_ptr<agent::Coordinator> alone{};
    agent::RefreshLoop::Legacy loop{};
    agent::Revoker::Legacy revocations{};
  };
  struct Parts {
    TestLoop& loop;
    HostTimers& time;
    ModelProvider& provider;
    ModelSegment& segment;
    const std::string& secret;        // what its requests are known by
    std::filesystem::path directory;  // of the host's own
    agent::FleetCodec codec{};
    bool revokes = false;
    agent::Milliseconds lock_ttl{15'000};
    std::optional<agent::Milliseconds> fetch_alone{};
    std::string name;
  };
  // Starts the coordinator, which another token may have started; who makes the host stops it.
  VirtualHost(const agent::TokenConfig& token, std::shared_ptr<agent::Coordinator> coordinator, const Parts& parts,
              Legacy legacy);
  ~VirtualHost();
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;

  // Cancels the loop and the revoker. `when_ended` is called, in a turn of its own, when both have ended; an earlier
  // one never.
  void cancel(std::function<void()> when_ended = {});
  // After the end.
  [[nodiscard]] Legacy release();
  // From now on its actions change nothing on this host.
  void die();
  [[nodiscard]] bool ended() const { return running_ == 0; }
  [[nodiscard]] agent::RefreshLoop& refresh() { return loop_; }
  [[nodiscard]] const agent::RefreshLoop& refresh() const { return loop_; }
  [[nodiscard]] agent::Coordinator& coordinator() { return *coordinator_; }
  [[nodiscard]] std::shared_ptr<agent::Coordinator> shared_coordinator() const { return coordinator_; }

 private:
  void launch(TestLoop& loop, agent::Task<> task, boost::asio::cancellation_signal& cancel);
  [[nodiscard]] agent::RefreshLoop::Parts parts_of_loop(const Parts& parts, agent::RefreshLoop::Legacy legacy);

  TestLoop& test_loop_;
  std::shared_ptr<agent::Coordinator> coordinator_;
  std::unique_ptr<agent::Coordinator> alone_;
  ModelSource source_;
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<MortalKeeper> keeper_;
  agent::Event changed_;
  std::optional<agent::Revoker> revoker_;
  agent::RefreshLoop loop_;
  boost::asio::cancellation_signal cancel_loop_;
  boost::asio::cancellation_signal cancel_revoker_;
  std::shared_ptr<std::function<void()>> when_ended_ = std::make_shared<std::function<void()>>([] {});
  int running_ = 0;
};

}  // namespace jeton::test
