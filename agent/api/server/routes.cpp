#include "agent/api/server/routes.hpp"

#include <algorithm>
#include <string_view>

#include "agent/api/locks/lock_routes.hpp"
#include "agent/api/status_json.hpp"
#include "agent/api/tokens/token_json.hpp"
#include "agent/api/tokens/token_routes.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view tokens_prefix = "/v1/tokens/";
constexpr std::string_view locks_prefix = "/v1/locks/";

Task<ApiAnswer> reload(AgentFacade& facade) {
  const ReloadVerdict verdict = co_await facade.request_reload();
  const bool refused = !verdict.refusal.empty();
  co_return ApiAnswer{refused ? 409U : 200U, reload_json(verdict)};
}

Task<ApiAnswer> metrics(AgentFacade& facade, std::string accept) {
  MetricsPage page = co_await facade.metrics(std::move(accept));
  ApiAnswer answer;
  answer.body = std::move(page.text);
  answer.content_type = std::move(page.content_type);
  co_return answer;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

bool has_name(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && path.size() > prefix.size();
}

ApiResponse reload_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names) {
  if (auto refused = method_refusal(request.method, true)) return *refused;
  if (!may_read(peer, facade.admins(), names)) return forbidden(peer, "may not reload the agent", "agent.admins");
  return LaterAnswer{[&facade] { return reload(facade); }};
}

Task<ApiAnswer> examination(AgentFacade& facade) {
  const Findings findings = co_await facade.examine();
  co_return ApiAnswer{200U, findings_json(findings)};
}

ApiResponse doctor_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names) {
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (!may_read(peer, facade.admins(), names)) return forbidden(peer, "may not examine the agent", "agent.admins");
  return LaterAnswer{[&facade] { return examination(facade); }};
}

ApiResponse log_level_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names) {
  if (request.method == "POST") {
    if (!may_read(peer, facade.admins(), names)) {
      return forbidden(peer, "may not change the level of the log", "agent.admins");
    }
    const auto wanted = log_level_in(request.body);
    if (!wanted) {
      return bad_request("the body must be {\"level\": LEVEL}; the levels are trace, debug, info, warning and error");
    }
    log::set_level(std::min(log::level(), *wanted));  // a higher level would leave this line out
    log::info("the level of the log was changed", {{"new_level", log::name_of(*wanted)}, {"by_uid", peer.uid}});
    log::set_level(*wanted);
  } else if (auto refused = method_refusal(request.method, false)) {
    refused->allow = "GET, HEAD, POST";
    return *refused;
  }
  return ApiAnswer{200, log_level_json(log::level())};
}

}  // namespace

ApiResponse answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                   WallTime now) {
  const std::string_view path = path_of(request.target);
  if (!path.starts_with('/')) return bad_request("the path must begin with /");

  if (has_name(path, tokens_prefix)) {
    return token_route(path.substr(tokens_prefix.size()), request, peer, facade, names, now);
  }
  if (has_name(path, locks_prefix)) {
    return lock_route(path.substr(locks_prefix.size()), request, peer, facade, names);
  }
  if (path == "/v1/locks") return lock_list_route(request, peer, facade, names);
  if (path == "/v1/reload") return reload_route(request, peer, facade, names);
  if (path == "/v1/log-level") return log_level_route(request, peer, facade, names);
  if (path == "/v1/doctor") return doctor_route(request, peer, facade, names);
  const bool known = path == "/v1/status" || path == "/live" || path == "/ready" || path == "/metrics";
  if (!known) {
    return error_answer(404, "not_found",
                        "no such path; try /v1/status, /v1/doctor, /v1/reload, /v1/log-level, /v1/tokens/NAME, "
                        "/v1/locks, /v1/locks/NAME, /live, /ready or /metrics");
  }
  if (auto refused = method_refusal(request.method, false)) return *refused;
  if (path == "/live") return ApiAnswer{200, "{\"live\":true}\n"};
  if (path == "/metrics") return LaterAnswer{[&facade, accept = request.accept] { return metrics(facade, accept); }};
  const AgentStatus status = facade.agent_status();
  if (path == "/v1/status") return ApiAnswer{200, agent_json(status)};
  return ApiAnswer{is_ready(status) ? 200U : 503U, readiness_json(status)};
}

ApiResponse monitoring_answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                              WallTime now) {
  const std::string_view path = path_of(request.target);
  if (path == "/live" || path == "/ready" || path == "/metrics") return answer(request, peer, facade, names, now);
  return error_answer(404, "not_found", "no such path; this address has only /, /live, /ready and /metrics");
}

std::string_view path_kind(std::string_view target) {
  const std::string_view path = path_of(target);
  if (has_name(path, tokens_prefix)) return "tokens";
  if (has_name(path, locks_prefix) || path == "/v1/locks") return "locks";
  if (path == "/" || path == "/events") return "page";
  for (const std::string_view known :
       {"/v1/status", "/v1/reload", "/v1/log-level", "/v1/doctor", "/live", "/ready", "/metrics"}) {
    if (path == known) return known.substr(known.rfind('/') + 1);
  }
  return "other";
}

}  // namespace jeton::agent
