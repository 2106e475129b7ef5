// The commands of a memory Redis: only those that jeton, its tests and the clients beside it use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/memory_redis/database.hpp"
#include "tests/support/memory_redis/resp.hpp"

namespace jeton::test {
class MemoryServer;
}

namespace jeton::test::memory_redis {

struct Session;

// The data that a command works on.
struct CommandContext {
  MemoryServer& server;
  Session& session;
  Database& keys;
  std::int64_t now_us = 0;  // of the server's clock, the same for all of a script

  [[nodiscard]] std::int64_t now_ms() const { return now_us / 1000; }
};

struct CommandEntry {
  int arity;  // with the name; negative: at least so many
  Reply (*run)(CommandContext& context, const Words& words);
};

// Null for an unknown one. `name` in upper case.
[[nodiscard]] const CommandEntry* find_command(const std::string& name);

[[nodiscard]] std::string upper_case(std::string text);
[[nodiscard]] std::string lower_case(std::string text);
// Throws Redis' "not an integer" error.
[[nodiscard]] std::int64_t to_integer(const std::string& text);

// Each of these tables has a file of its own.
struct NamedCommand {
  const char* name;
  CommandEntry entry;
};
[[nodiscard]] std::vector<NamedCommand> key_commands();
[[nodiscard]] std::vector<NamedCommand> value_commands();
[[nodiscard]] std::vector<NamedCommand> server_commands();

}  // namespace jeton::test::memory_redis
