// Rejections: handles reports that the provider refused the current token: it marks the token for its readers, counts
// the tokens rejected in a row, and informs the fleet. One thread: the loop's.
#pragma once

#include "agent/fleet/fleet_signals.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/refresh_journal.hpp"
#include "agent/refresh/refresh_request.hpp"

namespace jeton::agent {

class Rejections {
 public:
  // All outlive the object.
  Rejections(const TokenConfig& config, const Clock& clock, FleetSignals& signals, CurrentToken& current,
             const RefreshRequest& request, RefreshJournal& journal);

  // Handles a user's report about the current token. A second report changes nothing.
  void report();
  // Handles another host's report about the record of this generation. False: the report is known, or another record is
  // current.
  [[nodiscard]] bool hear(Generation generation);
  // Marks the current token for its readers.
  void mark();
  // The number of tokens in a row, `fetched` included, that replaced a rejected token. `rejected`: `fetched` replaces
  // one.
  [[nodiscard]] std::uint32_t count_with(const Record& fetched, bool rejected) const;

  // Maintenance: announces the rejection before the new token comes, so that the other hosts mark the token, and one of
  // them fetches if this host dies before its fetch.
  [[nodiscard]] bool is_to_announce() const { return to_announce_ != 0; }
  Task<> announce();

 private:
  [[nodiscard]] bool is_noted() const;
  void note();

  const TokenConfig& config_;
  const Clock& clock_;
  FleetSignals& signals_;
  CurrentToken& current_;
  const RefreshRequest& request_;
  RefreshJournal& journal_;
  Generation to_announce_ = 0;
};

}  // namespace jeton::agent
