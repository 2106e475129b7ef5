#include "tests/support/memory_redis/commands.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "agent/base/ascii.hpp"

namespace jeton::test::memory_redis {

const CommandEntry* find_command(const std::string& name) {
  static const std::unordered_map<std::string, CommandEntry> table = [] {
    std::unordered_map<std::string, CommandEntry> all;
    for (const auto& family : {key_commands(), value_commands(), server_commands()}) {
      for (const NamedCommand& command : family) all.emplace(command.name, command.entry);
    }
    return all;
  }();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), agent::ascii_lower);
  return text;
}

std::int64_t to_integer(const std::string& text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    throw CommandError("ERR value is not an integer or out of range");
  }
  return number;
}

}  // namespace jeton::test::memory_redis
