#include "agent/api/routes.hpp"

#include <optional>
#include <string_view>
#include <vector>

#include "agent/api/status_json.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view tokens_prefix = "/v1/tokens/";

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

ApiResponse token_route(std::string_view rest, const Peer& peer, const AgentFacade& facade, AccountNames& names,
                        WallTime now) {
  const std::size_t slash = rest.find('/');
  const auto name = percent_decoded(rest.substr(0, slash));
  if (!name) return error_response(400, "bad_request", "the path has a broken percent escape");
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash);
  if (!what.empty() && what != "/events") return error_response(404, "not_found", "no such path");

  const auto status = facade.token_status(*name);
  const AccessConfig* access = facade.token_access(*name);
  if (!status || access == nullptr) return unknown_token(*name, facade);
  if (what.empty()) return {200, token_json(*status, now), {}, {}};
  if (!may_read(peer, *access, names)) {
    return error_response(403, "forbidden",
                          "user " + std::to_string(peer.uid) + " is no reader of token '" + *name +
                              "'; ask for the user to be added to tokens." + *name +
                              ".access.users or for a group of theirs to tokens." + *name + ".access.groups");
  }
  return {200, {}, {}, *name};
}

}  // namespace

ApiResponse error_response(unsigned status, const std::string& code, const std::string& message) {
  return {status, error_json(code, message), {}, {}};
}

ApiResponse answer(const ApiRequest& request, const Peer& peer, const AgentFacade& facade, AccountNames& names,
                   WallTime now) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path.empty() || path.front() != '/') return error_response(400, "bad_request", "the path must begin with /");

  const bool is_token = path.starts_with(tokens_prefix) && path.size() > tokens_prefix.size();
  const bool known = is_token || path == "/v1/status" || path == "/live" || path == "/ready";
  if (!known) return error_response(404, "not_found", "no such path; try /v1/status, /v1/tokens/NAME, /live or /ready");
  if (request.method != "GET" && request.method != "HEAD") {
    ApiResponse refused = error_response(405, "method_not_allowed", "only GET and HEAD are allowed here");
    refused.allow = "GET, HEAD";
    return refused;
  }
  if (is_token) return token_route(path.substr(tokens_prefix.size()), peer, facade, names, now);
  if (path == "/live") return {200, "{\"live\":true}\n", {}, {}};
  const AgentStatus status = facade.agent_status();
  if (path == "/v1/status") return {200, agent_json(status), {}, {}};
  return {is_ready(status) ? 200U : 503U, readiness_json(status), {}, {}};
}

}  // namespace jeton::agent
