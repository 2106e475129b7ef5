// Findings: the results of `jetonctl doctor`, its own and the agent's, as people and programs read them; and its parts,
// which find it out, each in a file of its own. No part holds a secret: the output is made for tickets.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

struct Finding {
  enum class Level { ok, warning, problem };
  Level level = Level::ok;
  std::string subject;
  std::string text;
  std::string remedy{};  // a command to type, or what to change; empty: nothing is to be done
};
using Findings = std::vector<Finding>;

[[nodiscard]] Finding fine(const std::string& subject, const std::string& text);
[[nodiscard]] Finding doubt(const std::string& subject, const std::string& text, const std::string& remedy);
[[nodiscard]] Finding trouble(const std::string& subject, const std::string& text, const std::string& remedy);

// The findings in an answer of GET /v1/doctor. A level that this version does not know is a warning.
[[nodiscard]] Findings findings_in(const Json& answer);

// The worst first, each with the command to type; the last line counts them.
[[nodiscard]] std::string findings_text(Findings findings);
// {findings: [{level, subject, text, remedy}], ok, warnings, problems}, in the order in which they were made.
[[nodiscard]] Json findings_json(const Findings& findings);
// done, or problem_found.
[[nodiscard]] Exit exit_of(const Findings& findings);

// The service of the agent as this host's systemd knows it: the unit, the journal's last error, and the configuration
// by `jeton-agent check`. Each program has a few seconds. `answers`: the agent answers, so only
// faults of the unit are findings.
[[nodiscard]] Findings examine_service(const InheritedState& inherited, bool answers);
// The output of `systemctl show` about the unit.
[[nodiscard]] Findings judge_unit(const std::string& properties, bool answers);

// The findings that this user of the host can make. The modes of the runtime directory.
[[nodiscard]] Findings examine_directory(const std::filesystem::path& dir);
// The user, and the tokens that this user may read; unless the agent answers, with their states.
[[nodiscard]] Findings examine_segments(const std::filesystem::path& dir, bool answers);
// libjeton as programs of this host load it, inotify, the clock.
[[nodiscard]] Findings examine_system(const std::string& version);

// The findings about the agent itself in an answer of GET /v1/status. `version`: of this program. `examined`: this user
// has the findings of the agent, too.
[[nodiscard]] Findings judge_agent(const Json& status, const std::string& version, bool examined);
// Of each token: its state, pause, last error and budget, and its outputs that fail.
[[nodiscard]] Findings judge_tokens(const Json& status);

}  // namespace jeton::ctl
