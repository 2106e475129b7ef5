// jetonctl log-level: how much the agent logs, at run time.
#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

Exit run_log_level(const Common& common, const LogLevelOptions& options) {
  const ApiClient agent(common.dir);
  const ApiAnswer answer =
      options.level.empty() ? agent.get("/v1/log-level") : agent.post("/v1/log-level", Json{{"level", options.level}});
  if (!answer.problem.empty()) throw no_answer(common.dir, answer.problem);
  if (!answer.ok()) throw Failure(answer.status == 403 ? Exit::unreachable : Exit::error, answer.error_message());
  write_out(common.format == Format::json ? answer.text : text_of(answer.body, "level") + "\n");
  return Exit::done;
}

}  // namespace jeton::ctl
