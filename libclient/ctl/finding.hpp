// Findings: what `jetonctl doctor` found out, its own and the agent's, as people and programs read them. No part holds
// a secret: the output is made for tickets.
#pragma once

#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/failure.hpp"

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

// Those in an answer of GET /v1/doctor. A level that this version does not know is a warning.
[[nodiscard]] Findings findings_in(const Json& answer);

// The worst first, each with what to type; the last line counts them.
[[nodiscard]] std::string findings_text(Findings findings);
// {findings: [{level, subject, text, remedy}], ok, warnings, problems}, in the order in which they were made.
[[nodiscard]] Json findings_json(const Findings& findings);
// done, or problem_found.
[[nodiscard]] Exit exit_of(const Findings& findings);

}  // namespace jeton::ctl
