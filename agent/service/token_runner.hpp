// TokenRunner: one configured token at work: its source, its segment and its refresh loop. One thread: the loop's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/source.hpp"
#include "agent/record/fleet_codec.hpp"
#include "agent/record/record_file.hpp"
#include "agent/refresh/refresh_loop.hpp"
#include "agent/refresh/refresh_request.hpp"
#include "agent/refresh/refresh_tally.hpp"
#include "agent/refresh/revoker.hpp"
#include "agent/refresh/token_status.hpp"
#include "agent/segment/segment_store.hpp"

namespace boost::asio {
class cancellation_signal;
}

namespace jeton::agent {

class Histories;
class Random;
class RuntimeDir;

class TokenRunner {
 public:
  // Shared by all tokens of an agent; outlives every runner.
  struct Shared {
    Timers& timers;
    Random& random;
    Coordinator& coordinator;
    HttpTransport& http;
    const TokenValues& tokens;  // for sources that use another token
    RuntimeDir& runtime_dir;
    Event& changed;
    Milliseconds lock_ttl;
    Policy memory_lock;
    std::string host;
    Coordinator* standalone;          // this host's own, for standalone mode; null: no host fetches during an outage
    Milliseconds fetch_alone;         // outage.fetch_alone
    Coordinator* host_local;          // for tokens that each host fetches for itself; null: no token is
    std::filesystem::path state_dir;  // for states that must not be lost
    const FleetCodec& codec;          // by which they are kept there
    std::function<void(const std::string&)> renewed{};  // the token of this name has a newer value
    RefreshTally* tally = nullptr;                      // of all tokens
    Histories* histories = nullptr;                     // where events are kept
  };

  // The parts of a token besides its segment whose creation may fail.
  struct Parts {
    std::unique_ptr<Source> source;
    std::unique_ptr<RecordKeeper> keeper;  // null: the source has no state that must be kept
  };
  // Throws Error. Touches nothing that a runner of the same token uses.
  [[nodiscard]] static Parts prepare(const TokenConfig& config, const Shared& shared);

  // Creates or adopts the segment; throws Error if that fails.
  TokenRunner(const TokenConfig& config, const Shared& shared);
  // The state that a runner passes on to its successor.
  struct Legacy {
    std::unique_ptr<SegmentStore> segment;  // with the state of its source, which only the runner may know
    RefreshLoop::Legacy loop{};
    Revoker::Legacy revocations{};
  };
  // Replaces a runner that has ended; it cannot fail.
  TokenRunner(const TokenConfig& config, const Shared& shared, Parts parts, Legacy legacy);
  TokenRunner(const TokenRunner&) = delete;
  TokenRunner& operator=(const TokenRunner&) = delete;
  ~TokenRunner();

  void start();
  // Ends the loop: aborts a transfer, releases a held lock. The segment stays readable. Returns at once; stop() waits
  // for the end.
  void cancel();
  Task<> stop();
  // Applies a changed configuration to the segment (capacity, access) while readers go on. Throws Error,
  // and nothing is changed then.
  void reconfigure_segment(const TokenConfig& config);
  // After stop(): removes the segment.
  void retire() { store_->retire(); }
  // After stop(). The runner is to be destroyed then, before another one of the token starts.
  [[nodiscard]] Legacy release();

  // Notes that a token that this token's source uses was renewed.
  void prerequisite_renewed() { loop_.prerequisite_renewed(); }
  RefreshAnswer rejected(Generation generation) { return loop_.rejected(generation); }
  RefreshAnswer refresh_now() { return loop_.refresh_now(); }
  void heartbeat();
  void clock_stepped();
  [[nodiscard]] const TokenConfig& config() const { return loop_.config(); }
  // The newest record, which may have expired; null: there has been none. Good until the next co_await.
  [[nodiscard]] const Record* record() const;
  // The value of the token while it is valid.
  [[nodiscard]] std::optional<SecretString> value() const { return loop_.value(); }
  [[nodiscard]] TokenStatus status() const;

 private:
  void renewed(const Record& record);
  void launch(Task<> task, boost::asio::cancellation_signal& cancel);

  const Shared& shared_;
  Coordinator& coordinator_;
  Parts parts_;
  std::unique_ptr<SegmentStore> store_;
  Event ended_;
  std::optional<Revoker> revoker_;
  RefreshLoop loop_;
  std::unique_ptr<boost::asio::cancellation_signal> cancel_loop_;
  std::unique_ptr<boost::asio::cancellation_signal> cancel_revoker_;
  int running_ = 0;
  bool cancelled_ = false;
};

}  // namespace jeton::agent
