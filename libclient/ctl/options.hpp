// Options of jetonctl whose values are more than a text. A wrong value is an error that names the option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libclient/ctl/duration.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace jeton::ctl {

CLI::Option* add_duration(CLI::App* command, const std::string& name, Milliseconds& target, const std::string& help);
CLI::Option* add_duration(CLI::App* command, const std::string& name, std::optional<Milliseconds>& target,
                          const std::string& help);
CLI::Option* add_generation(CLI::App* command, const std::string& name, std::uint64_t& target, const std::string& help);
// From 0 to 255.
CLI::Option* add_exit_status(CLI::App* command, const std::string& name, int& target, const std::string& help);

// Above those of stdin, stdout and stderr.
inline constexpr int last_descriptor = 1023;
CLI::Option* add_descriptor(CLI::App* command, const std::string& name, std::optional<int>& target,
                            const std::string& help);
CLI::Option* add_signal(CLI::App* command, const std::string& name, int& target, const std::string& help);
CLI::Option* add_signal(CLI::App* command, const std::string& name, std::optional<int>& target,
                        const std::string& help);

}  // namespace jeton::ctl
