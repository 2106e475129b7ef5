#include "libclient/ctl/finding.hpp"

#include <algorithm>
#include <string_view>

#include "libclient/ctl/output.hpp"

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

}  // namespace jeton::ctl
