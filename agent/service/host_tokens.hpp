// HostTokens: the tokens of this host at work: the runner of each, the outputs that are written from them, and their
// histories; and the effects of one token on another. TokenSwitch: the change to the tokens of another configuration.
// One thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook_runner.hpp"
#include "agent/outputs/outputs.hpp"
#include "agent/service/histories.hpp"
#include "agent/service/reload_plan.hpp"
#include "agent/service/token_runner.hpp"

namespace jeton::agent {

// Replaces the running tokens by those of a new configuration, all or none.
//
// The constructor does every step that can fail, and does not touch running tokens: it opens the sources, state files
// and segments, and applies new capacities and readers to the segments, which stay readable. Until complete() the
// destructor rolls all of this back.
class TokenSwitch {
 public:
  using Runners = std::map<std::string, std::unique_ptr<TokenRunner>>;

  // `runners`, `shared` and `running` outlive this. Throws Error.
  TokenSwitch(Runners& runners, const TokenRunner::Shared& shared, ReloadPlan plan, const Config& running,
              const Config& wanted);
  TokenSwitch(const TokenSwitch&) = delete;
  TokenSwitch& operator=(const TokenSwitch&) = delete;
  ~TokenSwitch();

  // Ends the runners of removed and changed tokens, all at the same time. They stay where they are, and their segments
  // stay readable.
  Task<> stop_old();
  // After stop_old(): starts the new tokens. It does not wait and cannot fail.
  void complete();

 private:
  struct Change {
    TokenConfig wanted;
    TokenRunner::Parts parts;
    bool segment_changed = false;
  };

  void prepare(const Config& wanted);
  void roll_back() noexcept;

  Runners& runners_;
  const TokenRunner::Shared& shared_;
  const ReloadPlan plan_;
  const Config& running_;
  std::map<std::string, Change> changes_;
  Runners added_;
  bool completed_ = false;
};

class HostTokens final : public TokenValues, private OutputTokens {
 public:
  // All outlive it.
  struct Parts {
    Timers& timers;
    Random& random;
    Coordinator& coordinator;
    Coordinator* host_local;  // for tokens with scope host, and for an outage of the other; null: neither is configured
    HttpTransport& http;
    RuntimeDir& runtime_dir;
    Event& changed;
    const FleetCodec& codec;
    std::string host;
  };
  // Opens every segment. Throws Error.
  HostTokens(const Config& config, const Parts& parts);
  ~HostTokens() override;

  void start();
  // Ends all of them at once: while one is waited for, no other may begin a fetch. Segments and outputs stay.
  Task<> stop();
  void heartbeat();
  void clock_stepped();

  // Prepares the change to the tokens of another configuration; throws Error. `running` outlives it.
  [[nodiscard]] std::unique_ptr<TokenSwitch> change_to(const Config& wanted, const ReloadPlan& plan,
                                                       const Config& running) {
    return std::make_unique<TokenSwitch>(runners_, shared_, plan, running, wanted);
  }
  // The change is complete: outputs follow it, and state of other tokens is forgotten.
  void changed_to(const std::map<std::string, TokenConfig>& tokens);

  // Null: there is no such token.
  [[nodiscard]] TokenRunner* find(const std::string& name) const;
  [[nodiscard]] const TokenHistory* history(const std::string& name) const { return histories_.find(name); }
  [[nodiscard]] std::optional<TokenStatus> status(const std::string& name) const;
  [[nodiscard]] std::vector<TokenStatus> statuses() const;  // by name
  // Of all tokens since the agent started.
  [[nodiscard]] const RefreshTally& refreshes() const { return refreshes_; }

  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override;

 private:
  [[nodiscard]] const Record* record_of(const std::string& name) const override;
  [[nodiscard]] TokenStatus status_of(const std::string& name, const TokenRunner& runner) const;
  void forget_others(const std::set<std::string>& names);
  void notify_users_of(const std::string& name);
  void note_users(const std::map<std::string, TokenConfig>& tokens);

  Coordinator& coordinator_;
  Coordinator* host_local_;
  Histories histories_;
  RefreshTally refreshes_;
  TokenRunner::Shared shared_;
  ThreadedCalls blocking_calls_;
  HostHooks hooks_;
  Outputs outputs_;
  TokenSwitch::Runners runners_;
  std::map<std::string, std::vector<std::string>> users_;  // by token: those whose source uses it
};

}  // namespace jeton::agent
