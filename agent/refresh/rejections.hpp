// Rejections: the provider refused the current token: the token is marked for its readers, the tokens rejected in a row
// are counted, and the fleet is informed. One thread: the loop's.
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

  // A user of this host reports the current token. A report that is known already changes nothing.
  void report();
  // Another host reports the record of this generation. False: it is known, or another record is current.
  [[nodiscard]] bool hear(Generation generation);
  // Marks the current token for its readers.
  void mark();
  // Tokens in a row, `fetched` the last, that took the place of a rejected one. `rejected`: it is fetched for that.
  [[nodiscard]] std::uint32_t count_with(const Record& fetched, bool rejected) const;

  // Maintenance: the fleet's other users learn of it before the new token comes; if this host does not live to fetch
  // that, another does.
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
