// Outputs: the files that this host writes from its tokens, and the hooks after their changes. They read tokens and
// never fetch one: any number of them costs the provider nothing.
//
// One thread: the loop's.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook.hpp"
#include "agent/outputs/output_content.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class Outputs {
 public:
  using Parts = OutputParts;
  explicit Outputs(const Parts& parts);
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;
  ~Outputs();

  // Starts those that are new, changes and ends others. An output that stays as it is looks at its file again. Does not
  // fail.
  void configure(const std::map<std::string, TokenConfig>& tokens);
  void token_changed(const std::string& name);
  // Computes all deadlines again.
  void clock_stepped();
  // Of the outputs of this token, in the order of their paths.
  [[nodiscard]] std::vector<OutputStatus> status(const std::string& token) const;
  // Ends everything; files stay.
  Task<> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jeton::agent
