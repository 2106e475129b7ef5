// A command in the configuration: a program and its arguments, without a shell.
#pragma once

#include <string>
#include <vector>

#include "agent/config/schema/value_reader.hpp"

namespace jeton::agent {

// Unlike in a list of names, an argument may be repeated, be empty or have blanks. Empty, and a problem, if it is no
// command or its program cannot be executed. `remedy`: what to do with a secret, which may not be an argument.
[[nodiscard]] std::vector<std::string> read_command(const ValueReader& value, const std::string& remedy,
                                                    Reading& reading);

// Why the agent cannot execute this program, or enter this directory; empty if it can.
[[nodiscard]] std::string why_not_executable(const std::string& path);

}  // namespace jeton::agent
