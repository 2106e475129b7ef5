#include "agent/refresh/state_keeper.hpp"

#include "agent/base/error.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {

StateKeeper::StateKeeper(RecordKeeper* keeper, const CurrentToken& current, const Clock& clock, RefreshJournal& journal)
    : keeper_(keeper), current_(current), clock_(clock), journal_(journal) {}

std::optional<Record> StateKeeper::load() {
  if (keeper_ == nullptr) return std::nullopt;
  try {
    std::optional<Record> record = keeper_->load();
    if (!record) return std::nullopt;
    check_record(*record, clock_.wall_now());
    kept_ = record->generation;
    if (record->generation >= current_.generation()) return record;
  } catch (const std::exception& e) {
    journal_.state_trouble("read", e);
  }
  return std::nullopt;
}

void StateKeeper::keep(const Record& record) {
  if (keeper_ == nullptr || record.state.empty() || record.generation <= kept_) return;
  try {
    keeper_->save(record);
    kept_ = record.generation;
    if (!current_.only_carries_state(record)) keeper_->forget_answers();  // the chain goes on without them
  } catch (const std::exception& e) {
    journal_.state_trouble("keep", e);
  }
}

void StateKeeper::keep_unread(const SourceError& failure) {
  if (keeper_ == nullptr || failure.unread_answer().empty()) return;
  try {
    keeper_->keep_answer(failure.unread_answer(), clock_.wall_now());
    journal_.answer_kept();
  } catch (const std::exception& e) {
    journal_.state_trouble("keep an answer beside", e);
  }
}

}  // namespace jeton::agent
