#include "agent/service/token_switch.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"

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

}  // namespace jeton::agent
