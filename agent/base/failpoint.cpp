#include "agent/base/failpoint.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

struct Action {
  std::string what;
  int from_pass = 1;
  int passes = 0;
};

using Actions = std::map<std::string, Action, std::less<>>;

Actions parse(const char* spec) {
  Actions actions;
  std::string_view rest = spec == nullptr ? std::string_view{} : std::string_view{spec};
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    Action action{std::string(entry.substr(equals + 1))};
    if (const auto star = action.what.find('*'); star != std::string::npos) {
      action.from_pass = std::atoi(action.what.c_str());
      action.what.erase(0, star + 1);
    }
    actions.emplace(entry.substr(0, equals), std::move(action));
  }
  return actions;
}

std::function<void(std::string_view)>& observer_of_failpoints() {
  static std::function<void(std::string_view)> observer;
  return observer;
}

}  // namespace

void observe_failpoints(std::function<void(std::string_view name)> observer) {
  observer_of_failpoints() = std::move(observer);
}

void failpoint_passed(std::string_view name) {
  static Actions actions = parse(environment_variable("JETON_FAILPOINTS"));
  if (const auto& observer = observer_of_failpoints()) observer(name);
  const auto found = actions.find(name);
  if (found == actions.end() || ++found->second.passes < found->second.from_pass) return;
  const std::string& what = found->second.what;
  if (what == "kill") ::kill(::getpid(), SIGKILL);
  if (what == "throw") throw Error("failpoint " + std::string(name));
  if (what.starts_with("sleep:")) std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(what.c_str() + 6)));
}

}  // namespace jeton::agent
