#include "libclient/ctl/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <string_view>

#include "libclient/ctl/signals.hpp"

namespace jeton::ctl {
namespace {

// Decimal, where CLI11 itself takes 010 for 8.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `read` of the text that was given, or the error that it `is_not` one.
template <typename Target, typename Read>
CLI::Option* add(CLI::App* command, const std::string& name, Target& target, const std::string& help, Read read,
                 const char* is_not) {
  const auto take = [&target, read, is_not, name](const std::string& text) {
    const auto value = read(text);
    if (!value) throw CLI::ValidationError(name, "'" + text + "' is not " + is_not);
    target = static_cast<Target>(*value);
  };
  return command->add_option_function<std::string>(name, take, help);
}

template <typename Target>
CLI::Option* add_any_duration(CLI::App* command, const std::string& name, Target& target, const std::string& help) {
  return add(command, name, target, help, parse_duration, "a duration; write 500ms, 30s, 5m, 24h or 7d")
      ->type_name("D");
}

template <typename Target>
CLI::Option* add_any_signal(CLI::App* command, const std::string& name, Target& target, const std::string& help) {
  return add(command, name, target, help, parse_signal, "a signal; write HUP, USR1 or a number")->type_name("SIG");
}

}  // namespace

CLI::Option* add_duration(CLI::App* command, const std::string& name, Milliseconds& target, const std::string& help) {
  return add_any_duration(command, name, target, help);
}

CLI::Option* add_duration(CLI::App* command, const std::string& name, std::optional<Milliseconds>& target,
                          const std::string& help) {
  return add_any_duration(command, name, target, help);
}

CLI::Option* add_generation(CLI::App* command, const std::string& name, std::uint64_t& target,
                            const std::string& help) {
  return add(command, name, target, help, whole_number, "a generation; jetonctl status shows it")->type_name("GEN");
}

CLI::Option* add_exit_status(CLI::App* command, const std::string& name, int& target, const std::string& help) {
  const auto read = [](std::string_view text) {
    const auto value = whole_number(text);
    return value && *value <= 255 ? value : std::nullopt;
  };
  return add(command, name, target, help, read, "an exit status; write 0 to 255")->type_name("N");
}

CLI::Option* add_descriptor(CLI::App* command, const std::string& name, std::optional<int>& target,
                            const std::string& help) {
  const auto read = [](std::string_view text) -> std::optional<int> {
    const auto value = whole_number(text);
    if (!value || *value <= STDERR_FILENO || *value > last_descriptor) return std::nullopt;
    return static_cast<int>(*value);
  };
  return add(command, name, target, help, read, "a descriptor; write 3 to 1023")->type_name("N");
}

CLI::Option* add_signal(CLI::App* command, const std::string& name, int& target, const std::string& help) {
  return add_any_signal(command, name, target, help);
}

CLI::Option* add_signal(CLI::App* command, const std::string& name, std::optional<int>& target,
                        const std::string& help) {
  return add_any_signal(command, name, target, help);
}

}  // namespace jeton::ctl
