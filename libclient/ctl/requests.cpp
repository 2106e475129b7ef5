// The requests to the agent: jetonctl rejected and refresh, for a new token before its time; jetonctl log-level,
// how much the agent logs at run time.
#include <jeton/client.hpp>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

// Throws Failure unless the agent accepts the request.
Json request_refresh(const Common& common, const std::string& name, const char* what, const Json& body) {
  check_name(name);
  const ApiClient agent(common.dir);
  const ApiAnswer answer = agent.post("/v1/tokens/" + name + "/" + what, body);
  if (!answer.problem.empty()) throw no_answer(common.dir, answer);
  check_known(agent, name, answer);
  if (!answer.ok()) {
    const std::string why = answer.error_message().empty() ? std::to_string(answer.status) : answer.error_message();
    throw Failure(answer.status == 403 ? Exit::unreachable : Exit::error, why);
  }
  return answer.body;
}

std::string outcome_text(const Json& outcome) {
  const std::string generation = std::to_string(outcome.value("generation", std::uint64_t{0}));
  if (outcome.value("superseded", false)) return "there is a newer token already: generation " + generation + "\n";
  const Json& due = member(outcome, "due_in_ms");
  const std::int64_t due_in_ms = due.is_number() ? due.get<std::int64_t>() : 0;
  if (const std::string cause = text_of(outcome, "held_by"); !cause.empty()) {
    return "requested; the fleet fetches in " + duration_text(due_in_ms) + " at the earliest (" + cause + ")\n";
  }
  return "requested; the fleet fetches a new token now\n";
}

// Until there is a generation above `after`.
void await_newer(const Common& common, const std::string& name, Generation after, Milliseconds patience) {
  const auto generation = await_generation(open_token(common.dir, name), after, Deadline(patience), common.dir, name);
  if (!generation) {
    throw Failure(Exit::timed_out, "waited " + duration_text(patience.count()) + ": token '" + name +
                                       "' has no newer generation; `jetonctl history " + name + "` says why");
  }
  write_out(common.format == Format::json ? json_line({{"name", name}, {"generation", *generation}})
                                          : "generation " + std::to_string(*generation) + "\n");
}

Exit finish(const Common& common, const std::string& name, const Json& outcome,
            const std::optional<Milliseconds>& patience) {
  const bool superseded = outcome.value("superseded", false);
  write_out(common.format == Format::json ? outcome.dump() + "\n" : outcome_text(outcome));
  if (patience && !superseded) await_newer(common, name, outcome.value("generation", Generation{0}), *patience);
  return Exit::done;
}

}  // namespace

Exit run_rejected(const Common& common, const RejectedOptions& options) {
  const Json outcome = request_refresh(common, options.name, "rejected", {{"generation", options.generation}});
  return finish(common, options.name, outcome, options.wait);
}

Exit run_refresh(const Common& common, const RefreshOptions& options) {
  const Json outcome = request_refresh(common, options.name, "refresh", Json::object());
  return finish(common, options.name, outcome, options.wait);
}

Exit run_log_level(const Common& common, const LogLevelOptions& options) {
  const ApiClient agent(common.dir);
  const ApiAnswer answer =
      options.level.empty() ? agent.get("/v1/log-level") : agent.post("/v1/log-level", Json{{"level", options.level}});
  if (!answer.problem.empty()) throw no_answer(common.dir, answer);
  if (!answer.ok()) throw Failure(answer.status == 403 ? Exit::unreachable : Exit::error, answer.error_message());
  write_out(common.format == Format::json ? answer.text : text_of(answer.body, "level") + "\n");
  return Exit::done;
}

}  // namespace jeton::ctl
