#include "agent/api/locks/lock_routes.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/locks/lock_json.hpp"
#include "agent/base/error.hpp"
#include "agent/config/model/lock_names.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr const char* released_body = "{\"released\":true}\n";

// A request about a lock that the peer may take, and its rule.
struct LockCall {
  LockBroker& broker;
  const Peer& peer;
  const LockRuleConfig& rule;
  LockRequest request;

  [[nodiscard]] const LockId& id() const { return request.locks.front(); }
};

// The answer for a lock that the broker reported as taken or gone.
Task<ApiAnswer> not_held(LockBroker& broker, LockId id) {
  std::string found = "it has expired, was released, or another owner took it";
  try {
    const LockView view = co_await broker.show(id);
    found = found_instead(view);
  } catch (const TransportError&) {
    // The holder is not known now; it is known that this owner does not hold the lock.
  }
  co_return error_answer(409, "not_held", "lock '" + id.name + "' is not held by this owner: " + found);
}

std::string section_of(const LockRuleConfig& rule) { return "locks.\"" + rule.pattern + "\""; }

std::optional<ApiAnswer> ttl_refusal(const LockCall& call) {
  const LockLimits& limits = call.broker.limits();
  const Duration ttl = call.request.acquire.ttl;
  if (ttl == no_ttl) return bad_request("the body must have ttl_ms, the TTL in milliseconds");
  if (ttl < limits.shortest_ttl) {
    return bad_request("ttl_ms is less than " + format_duration(to_ms(limits.shortest_ttl)));
  }
  if (ttl > call.rule.max_ttl) {
    return bad_request("ttl_ms is more than " + format_duration(call.rule.max_ttl) + ", the max_ttl of " +
                       section_of(call.rule));
  }
  if (call.request.wait > limits.longest_wait) {
    return bad_request("wait_ms is more than " + format_duration(to_ms(limits.longest_wait)));
  }
  if (call.request.retry && *call.request.retry < Milliseconds{1}) return bad_request("retry_ms must be 1 or more");
  return std::nullopt;
}

ApiResponse open_session(LockCall call) {
  if (auto refused = ttl_refusal(call)) return *refused;
  try {
    return OpenedLock{call.broker.open(std::move(call.request))};
  } catch (const LockRefusal& e) {
    return error_answer(429, "too_many_locks", e.what());
  } catch (const TransportError& e) {
    return error_answer(503, "coordinator_unreachable", e.what());
  }
}

ApiResponse acquire(LockCall call) {
  if (call.request.locks.size() > 1 || !call.request.resumed.empty()) {
    return bad_request("several locks are taken over a connection: POST /v1/locks/NAME");
  }
  call.request.detached = true;
  return open_session(std::move(call));
}

ApiResponse extend(const LockCall& call) {
  const AcquireRequest& wanted = call.request.acquire;
  if (wanted.owner.empty()) return bad_request("the body must have owner and ttl_ms");
  if (auto refused = ttl_refusal(call)) return *refused;
  return LaterAnswer{
      [&broker = call.broker, id = call.id(), owner = wanted.owner, ttl = wanted.ttl]() -> Task<ApiAnswer> {
        const std::optional<Lease> lease = co_await broker.extend(id, owner, ttl);
        if (lease) co_return ApiAnswer{200, lock_json(id.name, *lease)};
        ApiAnswer refused = co_await not_held(broker, id);
        co_return refused;
      }};
}

ApiResponse release(const LockCall& call) {
  const std::string& owner = call.request.acquire.owner;
  if (owner.empty()) return bad_request("the body must have owner");
  return LaterAnswer{[&broker = call.broker, id = call.id(), owner]() -> Task<ApiAnswer> {
    const bool released = co_await broker.release(id, owner);
    if (released) co_return ApiAnswer{200, released_body};
    ApiAnswer refused = co_await not_held(broker, id);
    co_return refused;
  }};
}

ApiResponse show(LockBroker& broker, const LockId& id, const LockHolder& by, bool is_admin) {
  return LaterAnswer{[&broker, id, by, is_admin]() -> Task<ApiAnswer> {
    const LockView view = co_await broker.show(id);
    co_return ApiAnswer{200, lock_view_json(id.name, view, is_admin || is_same_user(view.note.by, by))};
  }};
}

ApiResponse force_release(LockBroker& broker, const LockId& id, const LockHolder& by) {
  return LaterAnswer{[&broker, id, by]() -> Task<ApiAnswer> {
    const bool released = co_await broker.force_release(id, by);
    if (!released) co_return error_answer(409, "not_held", "lock '" + id.name + "' is not held");
    co_return ApiAnswer{200, released_body};
  }};
}

ApiAnswer wrong_method(const std::string& allowed) {
  ApiAnswer refused = error_answer(405, "method_not_allowed", "this path allows only " + allowed);
  refused.allow = allowed;
  return refused;
}

ApiAnswer no_rule(const std::string& name) {
  return error_answer(403, "forbidden",
                      "no pattern under locks: in the agent's configuration names '" + name + "'; add one, such as \"" +
                          name + "\": {users: [...], groups: [...]}");
}

ApiAnswer not_allowed(const Peer& peer, const std::string& name, const LockRuleConfig& rule) {
  return forbidden(peer, "may not use lock '" + name + "'", section_of(rule));
}

std::string no_lock_name(const std::string& name) {
  return "'" + name.substr(0, 128) + "' is not a lock name: expected " + lock_name_rule;
}

// Finds the rule of each lock that goes with the call's own. A lock that does not outlive the agent clears
// outlives_agent of them all.
std::optional<ApiAnswer> resolve_others(LockCall& call, AccountNames& names) {
  std::vector<LockId>& locks = call.request.locks;
  for (auto lock = locks.begin() + 1; lock != locks.end(); ++lock) {
    const std::string name = lock->name;
    const bool twice = std::any_of(locks.begin(), lock, [&](const LockId& id) { return id.name == name; });
    if (twice) return bad_request("names: '" + name + "' is listed twice");
    if (!is_lock_name(name)) return bad_request("names: " + no_lock_name(name));
    const LockRuleConfig* rule = call.broker.rule(name);
    if (rule == nullptr) return no_rule(name);
    if (!may_read(call.peer, rule->access, names)) return not_allowed(call.peer, name, *rule);
    if (call.request.acquire.ttl > rule->max_ttl) {
      return bad_request("ttl_ms is more than the max_ttl of " + section_of(*rule));
    }
    *lock = lock_id(*rule, name);
    call.request.outlives_agent = call.request.outlives_agent && rule->outlives_agent;
  }
  if (locks.size() > call.broker.limits().names_per_session) {
    return bad_request("a request may name at most " + std::to_string(call.broker.limits().names_per_session) +
                       " locks");
  }
  return std::nullopt;
}

ApiResponse session(LockCall call, AccountNames& names) {
  LockRequest& request = call.request;
  if (!request.acquire.owner.empty()) {
    return bad_request("the agent chooses the owner id of a lock that a connection holds; leave owner out");
  }
  if (auto refused = ttl_refusal(call)) return *refused;
  request.outlives_agent = call.rule.outlives_agent;
  if (auto refused = resolve_others(call, names)) return *refused;
  const auto has_owner = [&](const LockId& id) { return request.resumed.contains(id.name); };
  const bool resumes = !request.resumed.empty();
  if (resumes && !(request.outlives_agent && request.resumed.size() == request.locks.size() &&
                   std::all_of(request.locks.begin(), request.locks.end(), has_owner))) {
    return bad_request(
        "owners must have the owner id of every lock, and every lock must outlive the agent; "
        "set when_agent_stops: keep under " +
        section_of(call.rule));
  }
  return open_session(std::move(call));
}

}  // namespace

ApiResponse lock_list_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names) {
  if (auto refused = method_refusal(request.method, false)) return *refused;
  std::vector<std::string> allowed;
  const LockBroker* const broker = facade.locks();
  const bool is_admin = may_read(peer, facade.admins(), names);
  for (const std::string& name : broker == nullptr ? std::set<std::string>() : broker->known_names()) {
    const LockRuleConfig* const rule = broker->rule(name);
    if (is_admin || (rule != nullptr && may_read(peer, rule->access, names))) allowed.push_back(name);
  }
  return ApiAnswer{200, lock_list_json(allowed)};
}

ApiResponse lock_route(std::string_view rest, const ApiRequest& request, const Peer& peer, AgentFacade& facade,
                       AccountNames& names) {
  const std::size_t slash = rest.find('/');
  const std::string name(rest.substr(0, slash));
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash);
  if (!is_lock_name(name)) return bad_request(no_lock_name(name));
  const bool is_action = what == "/acquire" || what == "/extend" || what == "/release";
  if (!what.empty() && !is_action) {
    return error_answer(404, "not_found",
                        "no such path; below /v1/locks/NAME there are /acquire, /extend and /release");
  }
  const std::string& method = request.method;
  if (is_action && method != "POST") return wrong_method("POST");
  if (!is_action && method != "POST" && method != "GET" && method != "DELETE") return wrong_method("GET, POST, DELETE");

  LockBroker* broker = facade.locks();
  const LockRuleConfig* rule = broker == nullptr ? nullptr : broker->rule(name);
  const bool is_admin = may_read(peer, facade.admins(), names);
  // A lock that was taken before a reload removed its rule must still be released.
  static const LockRuleConfig without_rule;
  if (rule == nullptr && broker != nullptr && is_admin && (method == "DELETE" || method == "GET")) rule = &without_rule;
  if (rule == nullptr) return no_rule(name);
  const LockHolder by{facade.host(), peer.uid, peer.pid};
  if (method == "DELETE") {
    if (!is_admin) {
      return error_answer(403, "forbidden",
                          "user " + std::to_string(peer.uid) +
                              " may not take a lock from its holder; ask for the user to be added to agent.admins");
    }
    return force_release(*broker, lock_id(*rule, name), by);
  }
  const bool may_use = may_read(peer, rule->access, names);
  if (!may_use && !(method == "GET" && is_admin)) return not_allowed(peer, name, *rule);
  if (method == "GET") return show(*broker, lock_id(*rule, name), by, is_admin);

  LockCall call{*broker, peer, *rule, {}};
  try {
    call.request = lock_request(name, request.body);
  } catch (const Error& e) {
    return bad_request(e.what());
  }
  call.request.locks.front() = lock_id(*rule, name);
  call.request.acquire.note.by = by;
  call.request.user = peer.uid;
  call.request.is_admin = is_admin;
  if (what == "/acquire") return acquire(std::move(call));
  if (what == "/extend") return extend(call);
  if (what == "/release") return release(call);
  return session(std::move(call), names);
}

}  // namespace jeton::agent
