// FakeStatus: an agent's status that a test writes by hand. On the loop's thread only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/agent_facade.hpp"
#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/local/local_backend.hpp"

namespace jeton::test {

class FakeStatus final : public agent::AgentFacade {
 public:
  explicit FakeStatus(agent::Timers& timers) : timers_(timers), changed_(timers) {
    agent_.version = "0.1.0";
    agent_.host = "host-1";
    agent_.pid = 4711;
    agent_.started_at = timers.clock().wall_now() - std::chrono::minutes(2);
    agent_.coordinator.backend = "redis";
    agent_.coordinator.endpoint = "redis://127.0.0.1:6379/0";
    agent_.coordinator.reachable = true;
    agent_.coordinator.clock_offset = agent::Milliseconds(-12);
  }

  // A valid token with every figure set, as the refresh loop would describe it.
  agent::TokenStatus& add(const std::string& name, agent::AccessConfig access = {}) {
    using std::chrono::minutes;
    const agent::WallTime now = timers_.clock().wall_now();
    access_[name] = std::move(access);
    agent::TokenStatus& token = tokens_[name];
    token.name = name;
    token.state = agent::TokenState::valid;
    token.phase = agent::RefreshPhase::quiet;
    token.generation = 1795000000000000;
    token.fingerprint = "0badcafe";
    token.type = "Bearer";
    token.issued_at = now - minutes(10);
    token.expires_at = now + minutes(110);
    token.fetched_by = "host-2";
    token.grace = minutes(5);
    token.spread = agent::Milliseconds(10'000);
    token.spread_delay = agent::Milliseconds(8'250);
    token.refresh_at = *token.expires_at - token.grace - token.spread_delay;
    token.source = "https://api.example.com/token";
    token.fence = token.generation;
    return token;
  }
  void remove(const std::string& name) {
    tokens_.erase(name);
    access_.erase(name);
  }
  agent::TokenStatus& token(const std::string& name) { return tokens_.at(name); }
  agent::AccessConfig& access(const std::string& name) { return access_.at(name); }
  agent::AgentStatus& agent() { return agent_; }

  [[nodiscard]] agent::AgentStatus agent_status() const override {
    agent::AgentStatus status = agent_;
    status.now = timers_.clock().wall_now();
    for (const auto& [name, token] : tokens_) status.tokens.push_back(token);
    return status;
  }
  [[nodiscard]] std::optional<agent::TokenStatus> token_status(const std::string& name) const override {
    const auto found = tokens_.find(name);
    if (found == tokens_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] const agent::TokenHistory* token_history(const std::string& name) const override {
    const auto found = histories.find(name);
    return found == histories.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const agent::AccessConfig* token_access(const std::string& name) const override {
    const auto found = access_.find(name);
    return found == access_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const agent::AccessConfig& admins() const override { return admins_; }
  std::optional<agent::RefreshAnswer> token_rejected(const std::string& name, agent::Generation generation) override {
    const auto found = tokens_.find(name);
    if (found == tokens_.end()) return std::nullopt;
    agent::RefreshAnswer answer;
    answer.generation = found->second.generation;
    answer.superseded = generation < answer.generation;
    answer.known = generation <= answer.generation;
    answer.due = timers_.clock().wall_now();
    if (generation == answer.generation) requests.push_back("rejected " + name);
    return answer;
  }
  std::optional<agent::RefreshAnswer> refresh_token(const std::string& name) override {
    requests.push_back("refresh " + name);
    agent::RefreshAnswer answer;
    answer.generation = tokens_.at(name).generation;
    answer.due = timers_.clock().wall_now() + std::chrono::seconds(3);
    answer.held_by = "paused: min_interval";
    return answer;
  }
  agent::Task<agent::MetricsPage> metrics(std::string accept) override {
    agent::MetricsPage page;
    page.content_type = "text/plain; version=0.0.4";
    page.text = "# for " + accept + "\n";
    co_return page;
  }
  agent::Task<agent::ReloadVerdict> request_reload() override { co_return reload_verdict; }
  agent::Task<agent::Findings> examine() override { co_return findings; }
  [[nodiscard]] agent::Event& changed() override { return changed_; }

  [[nodiscard]] agent::LockBroker* locks() override { return locks_.get(); }

  [[nodiscard]] std::string host() const override { return agent_.host; }
  // Locks of any name, for the user of the test and the named one, kept in the directory. Every session must end before
  // the test does.
  void offer_locks(const std::filesystem::path& directory, const std::string& user = {}) {
    locks_ = std::make_unique<agent::LockBroker>(timers_, random_, agent::make_local_lock_store(timers_, directory));
    agent::LockRules rules;
    rules["*"].pattern = "*";
    if (!user.empty()) rules["*"].access.users.push_back(user);
    locks_->configure(std::move(rules));
  }

  agent::AccessConfig& admin_access() { return admins_; }
  std::vector<std::string> requests;  // what was asked for
  agent::ReloadVerdict reload_verdict;
  agent::Findings findings;  // of an examination
  std::map<std::string, agent::TokenHistory> histories;

 private:
  agent::Timers& timers_;
  agent::OsRandom random_;
  agent::AccessConfig admins_;
  agent::Event changed_;
  agent::AgentStatus agent_;
  std::map<std::string, agent::TokenStatus> tokens_;
  std::map<std::string, agent::AccessConfig> access_;
  std::unique_ptr<agent::LockBroker> locks_;
};

}  // namespace jeton::test
