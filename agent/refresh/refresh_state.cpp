// RefreshLoop, beside its steps (refresh_loop.cpp): the state that its source needs for the next fetch, such as a
// rotated refresh token. It must not be lost: on this host's disk before it is published, in the record then.
#include <utility>

#include "agent/base/error.hpp"
#include "agent/record/record_check.hpp"
#include "agent/refresh/refresh_loop.hpp"

namespace jeton::agent {

// An earlier run may have fetched what it could not publish any more.
void RefreshLoop::adopt_kept() {
  if (parts_.keeper == nullptr) return;
  try {
    if (auto record = parts_.keeper->load()) {
      check_record(*record, parts_.timers.clock().wall_now());
      kept_ = record->generation;
      if (record->generation >= current_.generation()) take(std::move(*record));
    }
  } catch (const Error& e) {
    journal_.state_trouble("read", e);
  }
  // The loop before this one may not have been able to.
  if (current_.record()) keep(*current_.record());
}

void RefreshLoop::keep(const Record& record) {
  if (parts_.keeper == nullptr || record.state.empty() || record.generation <= kept_) return;
  try {
    parts_.keeper->save(record);
    kept_ = record.generation;
    if (!only_carries_state(record)) parts_.keeper->forget_answers();  // the chain goes on without them
  } catch (const Error& e) {
    journal_.state_trouble("keep", e);
  }
}

// What the provider gave may be in it, and nowhere else any more.
void RefreshLoop::keep_unread(const SourceError& failure) {
  if (parts_.keeper == nullptr || failure.unread_answer().empty()) return;
  try {
    parts_.keeper->keep_answer(failure.unread_answer(), parts_.timers.clock().wall_now());
    journal_.answer_kept();
  } catch (const Error& e) {
    journal_.state_trouble("keep an answer beside", e);
  }
}

// The answer was of no use, but what came with it is needed for the next one: the token that is there is published
// again with that state, and stays the same token to its readers. Without a token a blank record carries it.
Record RefreshLoop::with_state(const SecretString& state, Generation generation) const {
  Record record;
  if (current_.record()) {
    record = *current_.record();
    record.first_generation = record.token_generation();
  } else {
    record.value = SecretString("none");
    record.issued_at = parts_.timers.clock().wall_now();
    record.expires_at = record.issued_at;
  }
  record.generation = generation;
  record.state = state;
  record.fetched_by = parts_.host;
  return record;
}

// Nothing but a state is new in it: as with_state() makes it, here or on another host.
bool RefreshLoop::only_carries_state(const Record& record) const {
  const std::optional<Record>& known = current_.record();
  return record.blank() || (known && known->value == record.value && known->issued_at == record.issued_at);
}

// What may be published in the coordinator's stead: a token worth having or a state that outlives it, but not a record
// out of a segment, which lacks its state.
bool RefreshLoop::can_give_back() const {
  if (!current_.record()) return false;
  return keeps_state(config_.source) ? !current_.record()->state.empty() : current_.valid();
}

std::string RefreshLoop::request_now() const {
  return request_with(parts_.source.fingerprint(), current_.record() ? current_.record()->state : SecretString{});
}

std::string request_with(std::string request, const SecretString& state) {
  if (request.empty() || state.empty()) return request;
  return request + "+" + state.fingerprint();
}

}  // namespace jeton::agent
