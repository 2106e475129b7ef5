// The service of the agent as this host's systemd knows it, for `jetonctl doctor`.
#include <map>
#include <sstream>
#include <string>

#include "libclient/ctl/doctor.hpp"
#include "libclient/ctl/program.hpp"

namespace jeton::ctl {
namespace {

constexpr Milliseconds program_patience{5000};
constexpr const char* agent_unit = "jeton-agent.service";
constexpr const char* errors_command = "sudo journalctl -u jeton-agent -p err -n 20";

std::map<std::string, std::string> properties_in(const std::string& text) {
  std::map<std::string, std::string> properties;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t sign = line.find('=');
    if (sign != std::string::npos) properties[line.substr(0, sign)] = line.substr(sign + 1);
  }
  return properties;
}

Finding examine_journal(const InheritedState& inherited) {
  const ProgramResult journal =
      run_program({"journalctl", "-u", agent_unit, "-p", "err", "-n", "1", "-o", "cat", "--no-pager", "-q"}, inherited,
                  program_patience);
  const std::string line = journal.status == 0 ? first_line(journal.out) : std::string();
  if (line.empty()) return doubt("journal", "has no error of the agent that this user may see", errors_command);
  return trouble("journal", "the agent's last error: " + line, errors_command);
}

Finding examine_configuration(const InheritedState& inherited) {
  const ProgramResult check = run_program({"jeton-agent", "check"}, inherited, program_patience);
  const std::string line = first_line(check.out);
  if (!check.status.has_value())
    return doubt("configuration", "jeton-agent cannot be run here", "sudo jeton-agent check");
  if (check.status == 0) return fine("configuration", line);
  return trouble("configuration", line, "sudo jeton-agent check");
}

}  // namespace

Findings judge_unit(const std::string& properties, bool answers) {
  auto known = properties_in(properties);
  Findings found;
  const std::string active = known["ActiveState"];
  if (known["LoadState"] == "not-found") {
    if (!answers)
      found.push_back(trouble("unit", std::string("there is no ") + agent_unit, "sudo apt install jeton-agent"));
    return found;
  }
  if (known["LoadState"] == "masked" && active != "active") {
    found.push_back(trouble("unit", std::string(agent_unit) + " is masked",
                            "sudo systemctl unmask jeton-agent && sudo systemctl enable --now jeton-agent"));
    return found;
  }
  if (active != "active") {
    const std::string result = known["Result"];
    const bool failed = !result.empty() && result != "success";
    found.push_back(trouble("unit",
                            std::string(agent_unit) + " is " + active + (failed ? " (" + result + ")" : "") +
                                ", restarted " + known["NRestarts"] + " times",
                            failed ? errors_command : "sudo systemctl enable --now jeton-agent"));
    return found;
  }
  if (known["UnitFileState"] == "disabled") {
    found.push_back(doubt("unit", std::string(agent_unit) + " is not enabled: it does not start with the host",
                          "sudo systemctl enable jeton-agent"));
    return found;
  }
  found.push_back(fine("unit", std::string(agent_unit) + " is active"));
  return found;
}

Findings examine_service(const InheritedState& inherited, bool answers) {
  Findings found;
  const ProgramResult shown = run_program({"systemctl", "show", agent_unit, "--no-pager",
                                           "--property=LoadState,ActiveState,Result,NRestarts,UnitFileState"},
                                          inherited, program_patience);
  const bool has_systemd = shown.status == 0 && shown.out.find("LoadState=") != std::string::npos;
  if (has_systemd) found = judge_unit(shown.out, answers);
  if (answers) return found;
  if (has_systemd) found.push_back(examine_journal(inherited));
  found.push_back(examine_configuration(inherited));
  return found;
}

}  // namespace jeton::ctl
