// TokenSwitch: replaces the running tokens by those of a new configuration, all or none.
//
// The constructor does every step that can fail, and does not touch running tokens: it opens the sources, state files
// and segments, and applies new capacities and readers to the segments, which stay readable. Until complete() the
// destructor rolls all of this back. One thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agent/service/reload_plan.hpp"
#include "agent/service/token_runner.hpp"

namespace jeton::agent {

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

}  // namespace jeton::agent
