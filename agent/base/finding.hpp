// Finding: one result of an examination (`jetonctl doctor`): its subject, the result, and the command to type.
//
// Findings are shown to people and pasted into tickets: no part holds a secret. Any thread.
#pragma once

#include <string>
#include <vector>

namespace jeton::agent {

struct Finding {
  enum class Level {
    ok,
    warning,  // works, and may fail some day or in one case
    problem   // does not work, or tokens or locks may be lost
  };
  Level level = Level::ok;
  std::string subject;  // "redis redis://cache:6379/0", "memlock"
  std::string text;
  std::string remedy{};  // a command to type, or the setting to change; empty: nothing is to be done
};
using Findings = std::vector<Finding>;

}  // namespace jeton::agent
