#include "agent/api/tokens/token_routes.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "agent/api/status_json.hpp"
#include "agent/api/tokens/token_json.hpp"

namespace jeton::agent {
namespace {

// Empty for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned char byte = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() < 2 || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

ApiAnswer unknown_token(const std::string& name, const AgentFacade& facade) {
  std::string known;
  for (const TokenStatus& token : facade.agent_status().tokens) known += (known.empty() ? "" : ", ") + token.name;
  return error_answer(
      404, "unknown_token",
      "no token '" + name + "' in the agent's configuration; it has " + (known.empty() ? std::string("none") : known));
}

// A request under /v1/tokens/NAME, and the inputs of its answer.
struct TokenRequest {
  const ApiRequest& request;
  const Peer& peer;
  AgentFacade& facade;
  AccountNames& names;
  WallTime now;
  std::string name;
};

bool is_reader(const TokenRequest& r) {
  const AccessConfig* access = r.facade.token_access(r.name);
  return access != nullptr && may_read(r.peer, *access, r.names);
}

ApiAnswer not_a_reader(const TokenRequest& r) {
  return forbidden(r.peer, "may not read token '" + r.name + "'", "tokens." + r.name + ".access");
}

ApiResponse show_token(const TokenRequest& r) {
  const auto status = r.facade.token_status(r.name);
  if (!status) return unknown_token(r.name, r.facade);
  return ApiAnswer{200, token_json(*status, r.now)};
}

ApiResponse show_history(const TokenRequest& r) {
  const TokenHistory* const history = r.facade.token_history(r.name);
  if (history == nullptr) return unknown_token(r.name, r.facade);
  return ApiAnswer{200, history_json(r.name, history->events(), r.now)};
}

ApiResponse follow_token(const TokenRequest& r) {
  if (!is_reader(r)) return not_a_reader(r);
  return TokenEvents{r.name};
}

ApiResponse to_response(const TokenRequest& r, const RefreshAnswer& answer) {
  return ApiAnswer{answer.superseded ? 200U : 202U, refresh_answer_json(r.name, answer, r.now)};
}

ApiResponse reject_token(const TokenRequest& r) {
  if (!is_reader(r)) return not_a_reader(r);
  const auto generation = generation_in(r.request.body);
  if (!generation) {
    return bad_request("the body must be {\"generation\": G}; G is the generation of the refused token");
  }
  const auto answer = r.facade.token_rejected(r.name, *generation);
  if (!answer) return unknown_token(r.name, r.facade);
  if (!answer->known) {
    return error_answer(409, "unknown_generation",
                        "token '" + r.name + "' has no generation " + std::to_string(*generation) +
                            "; the current one is " + std::to_string(answer->generation));
  }
  return to_response(r, *answer);
}

ApiResponse refresh_token(const TokenRequest& r) {
  if (!may_read(r.peer, r.facade.admins(), r.names)) {
    return forbidden(r.peer, "may not ask for a new token", "agent.admins");
  }
  const auto answer = r.facade.refresh_token(r.name);
  if (!answer) return unknown_token(r.name, r.facade);
  return to_response(r, *answer);
}

struct TokenRoute {
  std::string_view what;  // behind the name
  bool posted;            // POST; otherwise GET and HEAD
  ApiResponse (*answer)(const TokenRequest&);
};
constexpr TokenRoute token_routes[] = {{"", false, show_token},
                                       {"/history", false, show_history},
                                       {"/events", false, follow_token},
                                       {"/rejected", true, reject_token},
                                       {"/refresh", true, refresh_token}};

}  // namespace

ApiResponse token_route(std::string_view rest, const ApiRequest& request, const Peer& peer, AgentFacade& facade,
                        AccountNames& names, WallTime now) {
  const std::size_t slash = rest.find('/');
  const auto name = percent_decoded(rest.substr(0, slash));
  if (!name) return bad_request("the path has a broken percent escape");
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash);
  const auto* route = std::find_if(std::begin(token_routes), std::end(token_routes),
                                   [&](const TokenRoute& candidate) { return candidate.what == what; });
  if (route == std::end(token_routes)) {
    return error_answer(404, "not_found",
                        "no such path; below /v1/tokens/NAME there are /history, /events, /rejected and /refresh");
  }
  if (auto refused = method_refusal(request.method, route->posted)) return *refused;
  const TokenRequest r{request, peer, facade, names, now, *name};
  if (r.facade.token_access(r.name) == nullptr) return unknown_token(r.name, r.facade);
  return route->answer(r);
}

}  // namespace jeton::agent
