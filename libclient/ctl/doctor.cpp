// jetonctl doctor: what is wrong here, and what to type.
#include "libclient/ctl/doctor.hpp"

#include <jeton/jeton.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/output.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

std::string_view name_of(Finding::Level level) {
  return level == Finding::Level::ok ? "ok" : level == Finding::Level::warning ? "warning" : "problem";
}

Colour colour_for(Finding::Level level) {
  return level == Finding::Level::ok ? Colour::good : level == Finding::Level::warning ? Colour::doubtful : Colour::bad;
}

std::size_t count(const Findings& findings, Finding::Level level) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const Finding& one) { return one.level == level; }));
}

std::string counted(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

constexpr Milliseconds examination_patience{12'000};  // the agent takes eight seconds at most

void add_all(Findings& all, const Findings& more) { all.insert(all.end(), more.begin(), more.end()); }

// The checks of the agent itself, which are for admins: its answer, or why there is none.
Findings examination_in(const ApiAnswer& answer) {
  if (answer.ok()) return findings_in(answer.body);
  constexpr const char* what = "Redis, providers, limits and the service's configuration were not examined: ";
  if (answer.status == 403) return {doubt("agent", std::string(what) + answer.error_message(), "sudo jetonctl doctor")};
  if (answer.status == 404) {
    return {doubt("agent", std::string(what) + "the running agent is too old for that",
                  "sudo systemctl restart jeton-agent")};
  }
  return {trouble("agent", what + answer.why(), "systemctl status jeton-agent")};
}

}  // namespace

Finding fine(const std::string& subject, const std::string& text) { return {Finding::Level::ok, subject, text}; }

Finding doubt(const std::string& subject, const std::string& text, const std::string& remedy) {
  return {Finding::Level::warning, subject, text, remedy};
}

Finding trouble(const std::string& subject, const std::string& text, const std::string& remedy) {
  return {Finding::Level::problem, subject, text, remedy};
}

Findings findings_in(const Json& answer) {
  Findings findings;
  const Json& listed = member(answer, "findings");
  if (!listed.is_array()) return findings;
  for (const Json& one : listed) {
    const std::string level = text_of(one, "level");
    findings.push_back({level == "ok"        ? Finding::Level::ok
                        : level == "problem" ? Finding::Level::problem
                                             : Finding::Level::warning,
                        text_of(one, "subject"), text_of(one, "text"), text_of(one, "remedy")});
  }
  return findings;
}

std::string findings_text(Findings findings) {
  constexpr std::size_t level_width = 9;
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.level > b.level; });
  std::string out;
  for (const Finding& finding : findings) {
    const std::string level = padded(name_of(finding.level), level_width);
    std::string lines = wrapped(level, printable(finding.subject + ": " + finding.text));
    lines.replace(0, level.size(), coloured(level, colour_for(finding.level)));
    out += lines;
    if (!finding.remedy.empty()) out += std::string(level_width, ' ') + "type: " + printable(finding.remedy) + "\n";
  }
  return out + counted(findings.size(), "check") + ": " + counted(count(findings, Finding::Level::problem), "problem") +
         ", " + counted(count(findings, Finding::Level::warning), "warning") + "\n";
}

Json findings_json(const Findings& findings) {
  Json json;
  json["findings"] = Json::array();
  for (const Finding& finding : findings) {
    Json one;
    one["level"] = std::string(name_of(finding.level));
    one["subject"] = finding.subject;
    one["text"] = finding.text;
    one["remedy"] = finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy);
    json["findings"].push_back(std::move(one));
  }
  json["ok"] = count(findings, Finding::Level::ok);
  json["warnings"] = count(findings, Finding::Level::warning);
  json["problems"] = count(findings, Finding::Level::problem);
  return json;
}

Exit exit_of(const Findings& findings) {
  return count(findings, Finding::Level::problem) == 0 ? Exit::done : Exit::problem_found;
}

Exit run_doctor(const Common& common, const DoctorOptions& /*options*/) {
  const std::string version = jeton_version();
  const ApiClient agent(common.dir);
  const ApiAnswer status = agent.get("/v1/status");
  const bool answers = status.ok() && status.body.is_object();
  Findings found;
  if (!answers) {
    found.push_back(trouble("agent", "does not answer: " + status.why(), "systemctl status jeton-agent"));
  }
  // The unit is that of the usual directory; another agent was started by other means.
  if (common.dir == usual_runtime_dir) add_all(found, examine_service(common.inherited, answers));
  add_all(found, examine_directory(common.dir));
  add_all(found, examine_segments(common.dir, answers));
  add_all(found, examine_system(version));
  if (answers) {
    const ApiAnswer examination = agent.get("/v1/doctor", examination_patience);
    add_all(found, judge_agent(status.body, version, examination.ok()));
    add_all(found, judge_tokens(status.body));
    add_all(found, examination_in(examination));
  }
  write_out(common.format == Format::json ? json_line(findings_json(found)) : findings_text(found));
  return exit_of(found);
}

}  // namespace jeton::ctl
