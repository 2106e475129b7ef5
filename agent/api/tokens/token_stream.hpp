// TokenStream: the events of one token for one client, until the client goes, the token leaves the configuration or the
// client may not read it any more. The lines are Event in status_json.hpp.
#pragma once

#include <string>

#include "agent/api/agent_facade.hpp"
#include "agent/api/line_stream.hpp"
#include "agent/api/peer.hpp"

namespace jeton::agent {

class TokenStream {
 public:
  // All outlive it. A stream without changes has a line every `heartbeat`.
  TokenStream(AgentFacade& facade, AccountNames& names, const Clock& clock, const Peer& peer, Duration heartbeat)
      : facade_(facade), names_(names), clock_(clock), peer_(peer), heartbeat_(heartbeat) {}

  Task<> run(std::string token, LineStream& lines);

 private:
  AgentFacade& facade_;
  AccountNames& names_;
  const Clock& clock_;
  const Peer& peer_;
  Duration heartbeat_;
};

}  // namespace jeton::agent
