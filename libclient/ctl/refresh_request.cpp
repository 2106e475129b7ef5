// jetonctl rejected, jetonctl refresh: a new token before its time.
#include <jeton/client.hpp>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

// Throws Failure unless the agent accepts the request.
Json request_refresh(const Common& common, const std::string& name, const char* what, const Json& body) {
  check_name(name);
  const ApiAnswer answer = ApiClient(common.dir).post("/v1/tokens/" + name + "/" + what, body);
  if (!answer.problem.empty()) throw no_answer(common.dir, answer.problem);
  if (answer.error_code() == "unknown_token") {
    throw Failure(Exit::error, unknown_token_text(name, token_names(ApiClient(common.dir).get("/v1/status").body)));
  }
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
  const Token token = open_token(common.dir, name);
  const Deadline deadline(patience);
  for (;;) {
    const auto generation = token.wait_change(after, deadline.remaining());
    if (generation) {
      write_out(common.format == Format::json ? Json{{"name", name}, {"generation", *generation}}.dump() + "\n"
                                              : "generation " + std::to_string(*generation) + "\n");
      return;
    }
    if (generation.status() != JETON_TIMED_OUT && generation.status() != JETON_BUSY) {
      throw refusal(generation.status(), common.dir, name);
    }
    if (deadline.passed()) {
      throw Failure(Exit::timed_out, "waited " + duration_text(patience.count()) + ": token '" + name +
                                         "' has no newer generation; `jetonctl status " + name + "` says why");
    }
  }
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

}  // namespace jeton::ctl
