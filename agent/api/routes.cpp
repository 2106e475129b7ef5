#include "agent/api/routes.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "agent/api/lock_routes.hpp"
#include "agent/api/request_json.hpp"
#include "agent/api/status_json.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view tokens_prefix = "/v1/tokens/";
constexpr std::string_view locks_prefix = "/v1/locks/";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Empty for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

ApiResponse unknown_token(const std::string& name, const AgentFacade& facade) {
  std::string known;
  for (const TokenStatus& token : facade.agent_status().tokens) known += (known.empty() ? "" : ", ") + token.name;
  return error_response(
      404, "unknown_token",
      "no token '" + name + "' in the agent's configuration; it has " + (known.empty() ? std::string("none") : known));
}

// What a request under /v1/tokens/NAME is answered with: the request, who asks, and what it is about.
struct TokenRequest {
  const ApiRequest& request;
  const Peer& peer;
  AgentFacade& facade;
  AccountNames& names;
  WallTime now;
  std::string name;
};

ApiResponse forbidden(const Peer& peer, const std::string& what, const std::string& section) {
  return error_response(403, "forbidden",
                        "user " + std::to_string(peer.uid) + ' ' + what + "; ask for the user to be added to " +
                            section + ".users or for a group of theirs to " + section + ".groups");
}

bool is_reader(const TokenRequest& r) {
  const AccessConfig* access = r.facade.token_access(r.name);
  return access != nullptr && may_read(r.peer, *access, r.names);
}

ApiResponse not_a_reader(const TokenRequest& r) {
  return forbidden(r.peer, "is no reader of token '" + r.name + "'", "tokens." + r.name + ".access");
}

ApiResponse show_token(const TokenRequest& r) {
  const auto status = r.facade.token_status(r.name);
  if (!status) return unknown_token(r.name, r.facade);
  return {200, token_json(*status, r.now)};
}

ApiResponse follow_token(const TokenRequest& r) {
  if (!is_reader(r)) return not_a_reader(r);
  return {200, {}, {}, r.name};
}

ApiResponse answer_demand(const TokenRequest& r, const RefreshAnswer& demand) {
  return {demand.superseded ? 200U : 202U, demand_json(r.name, demand, r.now)};
}

ApiResponse reject_token(const TokenRequest& r) {
  if (!is_reader(r)) return not_a_reader(r);
  const auto generation = generation_in(r.request.body);
  if (!generation) {
    return error_response(400, "bad_request",
                          "the body must be {\"generation\": G}, G being the generation that was refused");
  }
  const auto demand = r.facade.token_rejected(r.name, *generation);
  if (!demand) return unknown_token(r.name, r.facade);
  if (!demand->known) {
    return error_response(409, "unknown_generation",
                          "token '" + r.name + "' has no generation " + std::to_string(*generation) +
                              "; the current one is " + std::to_string(demand->generation));
  }
  return answer_demand(r, *demand);
}

ApiResponse refresh_token(const TokenRequest& r) {
  if (!may_read(r.peer, r.facade.admins(), r.names)) {
    return forbidden(r.peer, "may not ask for a new token", "agent.admins");
  }
  const auto demand = r.facade.refresh_token(r.name);
  if (!demand) return unknown_token(r.name, r.facade);
  return answer_demand(r, *demand);
}

struct TokenRoute {
  std::string_view what;  // behind the name
  bool posted;            // POST; otherwise GET and HEAD
  ApiResponse (*answer)(const TokenRequest&);
};
constexpr TokenRoute token_routes[] = {{"", false, show_token},
                                       {"/events", false, follow_token},
                                       {"/rejected", true, reject_token},
                                       {"/refresh", true, refresh_token}};

// Empty if the method is allowed.
std::optional<ApiResponse> method_refusal(const std::string& method, bool posted) {
  const bool allowed = posted ? method == "POST" : method == "GET" || method == "HEAD";
  if (allowed) return std::nullopt;
  const std::string only = posted ? "POST" : "GET, HEAD";
  ApiResponse refused = error_response(405, "method_not_allowed",
                                       posted ? "only POST is allowed here" : "only GET and HEAD are allowed here");
  refused.allow = only;
  return refused;
}

ApiResponse token_route(std::string_view rest, TokenRequest r) {
  const std::size_t slash = rest.find('/');
  const auto name = percent_decoded(rest.substr(0, slash));
  if (!name) return error_response(400, "bad_request", "the path has a broken percent escape");
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash);
  const auto* route = std::find_if(std::begin(token_routes), std::end(token_routes),
                                   [&](const TokenRoute& candidate) { return candidate.what == what; });
  if (route == std::end(token_routes)) return error_response(404, "not_found", "no such path");
  if (auto refused = method_refusal(r.request.method, route->posted)) return *refused;
  r.name = *name;
  if (r.facade.token_access(r.name) == nullptr) return unknown_token(r.name, r.facade);
  return route->answer(r);
}

Task<ApiResponse> reload(AgentFacade& facade) {
  const ReloadVerdict verdict = co_await facade.request_reload();
  const bool refused = !verdict.refusal.empty();
  co_return ApiResponse{refused ? 409U : 200U, reload_json(verdict)};
}

ApiResponse reload_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names) {
  if (auto refused = method_refusal(request.method, true)) return *refused;
  if (!may_read(peer, facade.admins(), names)) return forbidden(peer, "may not reload the agent", "agent.admins");
  ApiResponse response;
  response.later = [&facade] { return reload(facade); };
  return response;
}

}  // namespace

ApiResponse error_response(unsigned status, const std::string& code, const std::string& message) {
  return {status, error_json(code, message)};
}

ApiResponse answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                   WallTime now) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path.empty() || path.front() != '/') return error_response(400, "bad_request", "the path must begin with /");

  const bool is_token = path.starts_with(tokens_prefix) && path.size() > tokens_prefix.size();
  if (is_token) return token_route(path.substr(tokens_prefix.size()), {request, peer, facade, names, now, {}});
  const bool is_lock = path.starts_with(locks_prefix) && path.size() > locks_prefix.size();
  if (is_lock) return lock_route(path.substr(locks_prefix.size()), request, peer, facade, names);
  if (path == "/v1/reload") return reload_route(request, peer, facade, names);
  const bool known = path == "/v1/status" || path == "/live" || path == "/ready";
  if (!known)
    return error_response(404, "not_found",
                          "no such path; try /v1/status, /v1/reload, /v1/tokens/NAME, /v1/locks/NAME, /live or /ready");
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (path == "/live") return {200, "{\"live\":true}\n"};
  const AgentStatus status = facade.agent_status();
  if (path == "/v1/status") return {200, agent_json(status)};
  return {is_ready(status) ? 200U : 503U, readiness_json(status)};
}

}  // namespace jeton::agent
