#include "agent/api/response.hpp"

#include "agent/api/status_json.hpp"

namespace jeton::agent {

ApiAnswer error_answer(unsigned status, const std::string& code, const std::string& message) {
  return {status, error_json(code, message)};
}

ApiAnswer bad_request(const std::string& message) { return error_answer(400, "bad_request", message); }

ApiAnswer forbidden(const Peer& peer, const std::string& may_not, const std::string& section) {
  return error_answer(403, "forbidden",
                      "user " + std::to_string(peer.uid) + ' ' + may_not +
                          "; ask an administrator to add the user to " + section +
                          ".users, or one of the user's groups to " + section + ".groups");
}

std::optional<ApiAnswer> method_refusal(const std::string& method, bool posted) {
  const bool allowed = posted ? method == "POST" : method == "GET" || method == "HEAD";
  if (allowed) return std::nullopt;
  ApiAnswer refused = error_answer(405, "method_not_allowed",
                                   posted ? "this path allows only POST" : "this path allows only GET and HEAD");
  refused.allow = posted ? "POST" : "GET, HEAD";
  return refused;
}

}  // namespace jeton::agent
