// StateKeeper: the state that a source needs for its next fetch, such as a rotated refresh token, on this host's disk.
//
// The state must not be lost: it is saved before its record is published; then the record contains it. Failures are
// noted in the journal, and the refresh goes on. One thread: the loop's.
#pragma once

#include <optional>

#include "agent/provider/source.hpp"
#include "agent/record/record_file.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/refresh_journal.hpp"

namespace jeton::agent {

class StateKeeper {
 public:
  // All outlive the object. Without a `keeper` (the source keeps no state) nothing is done.
  StateKeeper(RecordKeeper* keeper, const CurrentToken& current, const Clock& clock, RefreshJournal& journal);

  // The record that an earlier run fetched and may not have published, unless a newer record is known.
  [[nodiscard]] std::optional<Record> load();
  // Saves the state of a record that is newer than the saved one.
  void keep(const Record& record);
  // Keeps an answer that cannot be read: a new refresh token may be in it and nowhere else.
  void keep_unread(const SourceError& failure);

 private:
  RecordKeeper* keeper_;
  const CurrentToken& current_;
  const Clock& clock_;
  RefreshJournal& journal_;
  Generation kept_ = 0;
};

}  // namespace jeton::agent
