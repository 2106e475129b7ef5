// Runs a program of the system for its output: systemctl, journalctl, jeton-agent check.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

struct ProgramResult {
  std::optional<int> status;  // exit status; nothing: it could not be started, was killed, or did not end in time
  std::string out;            // stdout and stderr, 64 KiB at most
};

// The program is looked for in PATH and the folders of the system's programs; it gets no input, and is killed when the
// patience ends.
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& argv, const InheritedState& inherited,
                                        Milliseconds patience);

// The first line of a text that is not blank; empty: there is none.
[[nodiscard]] std::string first_line(const std::string& text);

}  // namespace jeton::ctl
