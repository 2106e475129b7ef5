// The findings in the agent's answers about itself and its tokens, for `jetonctl doctor`. Pure functions.
#include <set>

#include "libclient/ctl/doctor.hpp"
#include "libclient/ctl/duration.hpp"

namespace jeton::ctl {
namespace {

constexpr const char* journal_command = "sudo journalctl -u jeton-agent -n 50";

std::string number_text(const Json& object, const char* name) {
  const auto number = number_of(object, name);
  return number ? std::to_string(*number) : "?";
}

Finding judge_coordinator(const Json& coordinator, bool examined) {
  const char* const remedy = examined ? journal_command : "sudo jetonctl doctor";
  const std::string subject = "coordinator " + text_of(coordinator, "backend");
  const std::string endpoint = text_of(coordinator, "endpoint");
  const std::string error = text_of(coordinator, "last_error");
  if (member(coordinator, "reachable") != true) {
    return trouble(subject,
                   endpoint + " is not reachable: tokens stay readable, and nothing is fetched meanwhile" +
                       (error.empty() ? "" : "; " + error),
                   remedy);
  }
  if (!error.empty()) return doubt(subject, endpoint + ": " + error, remedy);
  return fine(subject, endpoint + " is reachable");
}

// "; last error 5m ago: ..." and "; paused for 10m: ...".
std::string reasons_of(const Json& token) {
  std::string text;
  const Json& error = member(token, "last_error");
  if (error.is_object()) {
    const auto age = number_of(error, "age_ms");
    text += "; last error" + (age ? " " + duration_text(*age) + " ago" : "") + ": " + text_of(error, "message");
  }
  const Json& pause = member(token, "pause");
  if (pause.is_object()) {
    const auto left = number_of(pause, "in_ms");
    text += "; paused" + (left ? " for " + duration_text(*left) : "") + ": " + text_of(pause, "reason");
  }
  return text;
}

void judge_state(const Json& token, const std::string& subject, const std::string& history, Findings& found) {
  const std::string state = text_of(token, "state");
  const auto left = number_of(token, "expires_in_ms");
  const std::string reasons = reasons_of(token);
  const auto paused = number_of(member(token, "pause"), "in_ms");
  if (state != "valid") {
    found.push_back(
        trouble(subject, (state == "none" ? "there has been no token yet" : "has expired") + reasons, history));
  } else if (member(token, "rejected") == true) {
    found.push_back(doubt(subject, "the provider refused it, and a new one is not there yet" + reasons, history));
  } else if (left && paused && *paused >= *left) {
    found.push_back(trouble(
        subject, "expires in " + duration_text(*left) + ", and nothing is fetched before that" + reasons,
        "sudo jetonctl refresh " + text_of(token, "name") + "   # ends the pause; correct what the error says first"));
  } else if (!reasons.empty()) {
    found.push_back(
        doubt(subject, "is valid" + (left ? " for " + duration_text(*left) : std::string()) + reasons, history));
  } else {
    found.push_back(fine(subject, "is valid" + (left ? " for " + duration_text(*left) : std::string())));
  }
}

void judge_budget(const Json& token, const std::string& subject, Findings& found) {
  const Json& budget = member(token, "budget");
  const auto calls = number_of(budget, "calls");
  const auto left = number_of(budget, "left");
  if (!calls || !left) return;
  const auto ends = number_of(budget, "window_ends_in_ms");
  const std::string text = number_text(budget, "used") + " of " + std::to_string(*calls) + " calls of its budget used" +
                           (ends ? "; the count starts again in " + duration_text(*ends) : "");
  const auto reserve = number_of(budget, "reserve").value_or(0);
  if (*left <= reserve) {
    found.push_back(trouble(subject, text + (reserve > 0 ? "; only the reserve is left" : ""),
                            "raise tokens." + text_of(token, "name") + ".budget.calls, if the provider allows more"));
  } else if (*left * 10 < *calls) {
    found.push_back(doubt(subject, text, "jetonctl history " + text_of(token, "name")));
  } else {
    found.push_back(fine(subject, text));
  }
}

// The outputs that fail. `hooks`: the hooks of on_change that were found to fail, which many outputs may share. Two
// commands may run the same program: an agent tells them apart by an id, an earlier one by what they do.
void judge_outputs(const Json& token, std::set<std::string>& hooks, Findings& found) {
  const Json& outputs = member(token, "outputs");
  if (!outputs.is_array()) return;
  const std::string details = "jetonctl status " + text_of(token, "name");
  for (const Json& output : outputs) {
    const std::string path = text_of(output, "path");
    const std::string error = text_of(output, "last_error");
    if (!error.empty()) found.push_back(trouble("output " + path, "its file is not up to date: " + error, details));
    const Json& hook = member(output, "on_change");
    const std::string action = text_of(hook, "action");
    const std::string failure = text_of(hook, "last_error");
    const std::string id = text_of(hook, "id");
    if (failure.empty() || !hooks.insert(id.empty() ? action : id).second) continue;
    found.push_back(trouble("on_change of output " + path,
                            action + " failed, so the program may still use the old token: " + failure, details));
  }
}

}  // namespace

Findings judge_agent(const Json& status, const std::string& version, bool examined) {
  Findings found;
  const std::string of_agent = text_of(status, "version");
  const std::string who = "jeton-agent " + of_agent + " on " + text_of(status, "host") + ", pid " +
                          number_text(status, "pid") + ", up " +
                          duration_text(number_of(status, "uptime_ms").value_or(0));
  found.push_back(fine("agent", who));
  if (of_agent != version) {
    found.push_back(doubt("agent", "this is jetonctl " + version + ", the agent is " + of_agent,
                          "sudo systemctl restart jeton-agent   # after an upgrade; tokens stay readable"));
  }
  if (const auto dropped = number_of(status, "log_lines_dropped").value_or(0); dropped > 0) {
    found.push_back(doubt("log", std::to_string(dropped) + " lines were dropped: the log did not accept them in time",
                          "systemctl status systemd-journald"));
  }
  found.push_back(judge_coordinator(member(status, "coordinator"), examined));
  const Json& locks = member(status, "locks");
  if (locks.is_object() && member(locks, "reachable") != true) {
    found.push_back(trouble("locks", "none can be taken now: " + text_of(locks, "last_error"), journal_command));
  }
  const Json& listen = member(status, "listen");
  if (listen.is_object() && member(listen, "listening") == true) {
    found.push_back(fine("listen", text_of(listen, "address") + " is served"));
  } else if (listen.is_object()) {
    found.push_back(trouble("listen", text_of(listen, "last_error") + ": no status page and no /metrics there",
                            text_of(listen, "remedy")));
  }
  return found;
}

Findings judge_tokens(const Json& status) {
  Findings found;
  const Json& tokens = member(status, "tokens");
  if (!tokens.is_array() || tokens.empty()) {
    found.push_back(doubt("tokens", "none is configured", "sudoedit /etc/jeton/agent.yaml"));
    return found;
  }
  std::set<std::string> hooks;
  for (const Json& token : tokens) {
    const std::string name = text_of(token, "name");
    const std::string subject = "token " + name;
    judge_state(token, subject, "jetonctl history " + name, found);
    judge_budget(token, subject, found);
    judge_outputs(token, hooks, found);
  }
  return found;
}

}  // namespace jeton::ctl
