// Handover: tokens on their way to a command: in variables of its environment, in memory behind a descriptor of its
// own, or on its stdin. Never in its arguments, which every user of the host may read.
//
// A descriptor leads to sealed memory (memfd_create(2)): no process can change it, and it is gone when no process has
// it open. This object holds the values only until the command has started; its end wipes them and closes the
// descriptors.
#pragma once

#include <jeton/client.hpp>
#include <string>
#include <string_view>

#include "libclient/ctl/child.hpp"
#include "libclient/ctl/commands.hpp"

namespace jeton::ctl {

class Handover {
 public:
  // `options` outlives it. Throws Failure(run_failed) if the system has no descriptor left, as add() and given() do;
  // add() also for a token that is too long for its variable.
  explicit Handover(const ExecOptions& options);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // In the order of options.names.
  void add(const std::string& name, const View& token);
  // After the last one.
  [[nodiscard]] const Given& given();

 private:
  // Memory that the command finds behind `number`.
  int open_for(int number);

  const ExecOptions& options_;
  int added_ = 0;
  int stdin_ = -1;
  Given given_;
};

// "JETON_TOKEN_" and "github-app" make JETON_TOKEN_GITHUB_APP.
[[nodiscard]] std::string variable_of(std::string_view prefix, const std::string& name);
inline constexpr std::string_view token_variable = "JETON_TOKEN_";
inline constexpr std::string_view generation_variable = "JETON_GENERATION_";

}  // namespace jeton::ctl
