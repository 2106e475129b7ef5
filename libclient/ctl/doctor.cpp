// jetonctl doctor: what is wrong here, and what to type.
#include <jeton/jeton.h>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/doctor_agent.hpp"
#include "libclient/ctl/doctor_service.hpp"
#include "libclient/ctl/doctor_user.hpp"
#include "libclient/ctl/finding.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr Milliseconds examination_patience{12'000};  // the agent takes eight seconds at most

void add_all(Findings& all, const Findings& more) { all.insert(all.end(), more.begin(), more.end()); }

// The checks of the agent itself, which are for admins.
Findings ask_examination(const ApiClient& agent) {
  const ApiAnswer answer = agent.get("/v1/doctor", examination_patience);
  if (answer.ok()) return findings_in(answer.body);
  constexpr const char* what = "Redis, providers, limits and the service's configuration were not examined: ";
  if (answer.status == 403) return {doubt("agent", std::string(what) + answer.error_message(), "sudo jetonctl doctor")};
  if (answer.status == 404) {
    return {doubt("agent", std::string(what) + "the running agent is too old for that",
                  "sudo systemctl restart jeton-agent")};
  }
  return {trouble("agent", what + (answer.problem.empty() ? answer.error_message() : answer.problem),
                  "systemctl status jeton-agent")};
}

}  // namespace

Exit run_doctor(const Common& common, const DoctorOptions& /*options*/) {
  const std::string version = jeton_version();
  const ApiClient agent(common.dir);
  const ApiAnswer status = agent.get("/v1/status");
  const bool answers = status.ok() && status.body.is_object();
  Findings found;
  if (!answers) {
    const std::string problem = status.problem.empty() ? status.error_message() : status.problem;
    found.push_back(trouble("agent", "does not answer: " + problem, "systemctl status jeton-agent"));
  }
  // The unit is that of the usual directory; another agent was started by other means.
  if (common.dir == usual_runtime_dir) add_all(found, examine_service(common.inherited, answers));
  add_all(found, examine_directory(common.dir));
  add_all(found, examine_segments(common.dir));
  add_all(found, examine_system(version));
  if (answers) {
    add_all(found, judge_agent(status.body, version));
    add_all(found, judge_tokens(status.body));
    add_all(found, ask_examination(agent));
  }
  write_out(common.format == Format::json
                ? findings_json(found).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                : findings_text(found));
  return exit_of(found);
}

}  // namespace jeton::ctl
