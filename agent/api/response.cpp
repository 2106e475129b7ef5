#include "agent/api/response.hpp"

#include "agent/api/status_json.hpp"

namespace jeton::agent {

ApiAnswer error_answer(unsigned status, const std::string& code, const std::string& message) {
  return {status, error_json(code, message)};
}

ApiAnswer forbidden(const Peer& peer, const std::string& may_not, const std::string& section) {
  return error_answer(403, "forbidden",
                      "user " + std::to_string(peer.uid) + ' ' + may_not + "; ask for the user to be added to " +
                          section + ".users or for a group of theirs to " + section + ".groups");
}

std::optional<ApiAnswer> method_refusal(const std::string& method, bool posted) {
  const bool allowed = posted ? method == "POST" : method == "GET" || method == "HEAD";
  if (allowed) return std::nullopt;
  ApiAnswer refused = error_answer(405, "method_not_allowed",
                                   posted ? "only POST is allowed here" : "only GET and HEAD are allowed here");
  refused.allow = posted ? "POST" : "GET, HEAD";
  return refused;
}

}  // namespace jeton::agent
