#include "agent/service/host_tokens.hpp"

#include <exception>
#include <utility>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/base/random.hpp"
#include "agent/refresh/revoker.hpp"
#include "agent/segment/runtime_dir.hpp"

namespace jeton::agent {
namespace {

// Logs a failure that must not stop the rest.
template <typename Work>
void attempt(const char* what, const std::string& token, const Work& work) noexcept {
  try {
    work();
  } catch (const std::exception& e) {
    log::error(log::segment_failed, what, {{"token", token}, {"error", e.what()}});
  }
}

std::set<std::string> names_of(const std::map<std::string, TokenConfig>& tokens) {
  std::set<std::string> names;
  for (const auto& [name, token] : tokens) names.insert(name);
  return names;
}

}  // namespace

TokenSwitch::TokenSwitch(Runners& runners, const TokenRunner::Shared& shared, ReloadPlan plan, const Config& running,
                         const Config& wanted)
    : runners_(runners), shared_(shared), plan_(std::move(plan)), running_(running) {
  try {
    prepare(wanted);
  } catch (...) {
    roll_back();
    throw;
  }
}

TokenSwitch::~TokenSwitch() {
  if (!completed_) roll_back();
}

// The segments of running tokens come last, because readers see them.
void TokenSwitch::prepare(const Config& wanted) {
  for (const std::string& name : plan_.changed) {
    const TokenConfig& token = wanted.tokens.at(name);
    changes_.emplace(name, Change{token, TokenRunner::prepare(token, shared_)});
  }
  for (const std::string& name : plan_.added) {
    added_.emplace(name, std::make_unique<TokenRunner>(wanted.tokens.at(name), shared_));
  }
  JETON_FAILPOINT("reload.prepared");
  for (auto& [name, change] : changes_) {
    runners_.at(name)->reconfigure_segment(change.wanted);
    change.segment_changed = true;
  }
  JETON_FAILPOINT("reload.segments");
}

void TokenSwitch::roll_back() noexcept {
  for (auto& change : changes_) {
    const std::string& name = change.first;
    if (!std::exchange(change.second.segment_changed, false)) continue;
    attempt("the old settings of a segment cannot be restored", name,
            [&] { runners_.at(name)->reconfigure_segment(running_.tokens.at(name)); });
  }
  for (const auto& added : added_) {
    attempt("cannot remove the segment of a token that was not added", added.first, [&] { added.second->retire(); });
  }
  added_.clear();
}

Task<> TokenSwitch::stop_old() {
  for (const auto* names : {&plan_.removed, &plan_.changed}) {
    for (const std::string& name : *names) runners_.at(name)->cancel();
  }
  log::debug("removed and changed tokens end",
             {{"removed", std::to_string(plan_.removed.size())}, {"changed", std::to_string(plan_.changed.size())}});
  for (const auto* names : {&plan_.removed, &plan_.changed}) {
    for (const std::string& name : *names) co_await runners_.at(name)->stop();
  }
}

void TokenSwitch::complete() {
  completed_ = true;
  for (const std::string& name : plan_.removed) {
    const auto runner = runners_.extract(name);
    attempt("cannot remove the segment of a removed token", name, [&] { runner.mapped()->retire(); });
  }
  for (auto& [name, change] : changes_) {
    TokenRunner::Legacy legacy = runners_.at(name)->release();
    runners_.erase(name);
    const auto [place, added] = runners_.emplace(
        name, std::make_unique<TokenRunner>(change.wanted, shared_, std::move(change.parts), std::move(legacy)));
    place->second->start();
  }
  for (auto& [name, runner] : added_) {
    runner->start();
    runners_.emplace(name, std::move(runner));
  }
}

HostTokens::HostTokens(const Config& config, const Parts& parts)
    : coordinator_(parts.coordinator),
      host_local_(parts.host_local),
      histories_(history_dir_of(config.agent), parts.timers.clock()),
      shared_{.timers = parts.timers,
              .random = parts.random,
              .coordinator = parts.coordinator,
              .http = parts.http,
              .tokens = *this,
              .runtime_dir = parts.runtime_dir,
              .changed = parts.changed,
              .lock_ttl = config.coordination.lock_ttl,
              .memory_lock = config.agent.memory_lock,
              .host = parts.host,
              .standalone = config.coordination.fetch_alone ? parts.host_local : nullptr,
              .fetch_alone = config.coordination.fetch_alone.value_or(Milliseconds{0}),
              .host_local = parts.host_local,
              .state_dir = state_dir_of(config.agent),
              .codec = parts.codec,
              .renewed = [this](const std::string& name) { notify_users_of(name); },
              .tally = &refreshes_,
              .histories = &histories_},
      blocking_calls_(parts.timers),
      hooks_(parts.timers, blocking_calls_, {state_dir_of(config.agent), config.agent.runtime_dir}),
      outputs_(Outputs::Parts{parts.timers, parts.random, blocking_calls_, hooks_, *this, parts.changed,
                              config.agent.runtime_dir}) {
  parts.runtime_dir.retire_others(names_of(config.tokens));
  forget_others(names_of(config.tokens));
  histories_.restore(names_of(config.tokens));
  note_users(config.tokens);
  for (const auto& [name, token] : config.tokens) {
    runners_.emplace(name, std::make_unique<TokenRunner>(token, shared_));
  }
}

HostTokens::~HostTokens() = default;

void HostTokens::start() {
  std::map<std::string, TokenConfig> tokens;
  for (const auto& [name, runner] : runners_) {
    runner->start();
    if (!runner->config().outputs.empty()) tokens.emplace(name, runner->config());
  }
  outputs_.configure(tokens);
}

Task<> HostTokens::stop() {
  for (const auto& [name, runner] : runners_) runner->cancel();
  for (const auto& [name, runner] : runners_) co_await runner->stop();
  co_await outputs_.stop();
  histories_.write_all();
}

void HostTokens::heartbeat() {
  for (const auto& [name, runner] : runners_) runner->heartbeat();
  histories_.write_due();
}

void HostTokens::clock_stepped() {
  for (const auto& [name, runner] : runners_) runner->clock_stepped();
  outputs_.clock_stepped();
}

void HostTokens::changed_to(const std::map<std::string, TokenConfig>& tokens) {
  outputs_.configure(tokens);
  forget_others(names_of(tokens));
  note_users(tokens);
}

TokenRunner* HostTokens::find(const std::string& name) const {
  const auto found = runners_.find(name);
  return found == runners_.end() ? nullptr : found->second.get();
}

std::optional<TokenStatus> HostTokens::status(const std::string& name) const {
  const TokenRunner* const runner = find(name);
  if (runner == nullptr) return std::nullopt;
  return status_of(name, *runner);
}

std::vector<TokenStatus> HostTokens::statuses() const {
  std::vector<TokenStatus> all;
  for (const auto& [name, runner] : runners_) all.push_back(status_of(name, *runner));
  return all;
}

std::optional<SecretString> HostTokens::token_value(const std::string& name) const {
  const TokenRunner* const runner = find(name);
  return runner == nullptr ? std::nullopt : runner->value();
}

const Record* HostTokens::record_of(const std::string& name) const {
  const TokenRunner* const runner = find(name);
  return runner == nullptr ? nullptr : runner->record();
}

TokenStatus HostTokens::status_of(const std::string& name, const TokenRunner& runner) const {
  TokenStatus status = runner.status();
  status.outputs = outputs_.status(name);
  return status;
}

void HostTokens::forget_others(const std::set<std::string>& names) {
  std::set<std::string> kept = names;
  for (const std::string& name : names) kept.insert(Revoker::coordinated_name(name));
  coordinator_.prune_except(kept);
  if (host_local_ != nullptr) host_local_->prune_except(kept);
  histories_.prune_except(names);
}

// Notifies the outputs of this token, and the tokens whose source uses it. They look at it in a later turn of the loop:
// it becomes current in this one.
void HostTokens::notify_users_of(const std::string& name) {
  outputs_.token_changed(name);
  const auto users = users_.find(name);
  if (users == users_.end()) return;
  for (const std::string& user : users->second) {
    if (TokenRunner* const runner = find(user)) runner->prerequisite_renewed();
  }
}

void HostTokens::note_users(const std::map<std::string, TokenConfig>& tokens) {
  users_.clear();
  for (const auto& [name, token] : tokens) {
    for (const std::string& used : token.uses) users_[used].push_back(name);
  }
}

}  // namespace jeton::agent
