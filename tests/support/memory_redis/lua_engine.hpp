// Runs scripts as Redis does: Lua 5.1, KEYS and ARGV, redis.call and its like, no globals of the script's own, and
// Redis' rules for arguments and results. One script at a time; it cannot be stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/support/memory_redis/resp.hpp"

struct lua_State;

namespace jeton::test::memory_redis {

class LuaEngine {
 public:
  // Executes a command for a script; does not throw.
  using Call = std::function<Reply(const Words& words)>;

  explicit LuaEngine(Call call);

  // An error reply if it cannot be compiled. `sha1`: of the text, which is compiled once.
  [[nodiscard]] Reply compile(const std::string& text, const std::string& sha1);
  // Runs a script that was compiled.
  [[nodiscard]] Reply run(const std::string& sha1, const Words& keys, const Words& arguments);

 private:
  void install();
  static int call_or_raise(lua_State* lua);
  static int call_protected(lua_State* lua);
  // Leaves one value on the stack; false: it is an error.
  static bool invoke(lua_State* lua);
  [[nodiscard]] Reply failure(const std::string& sha1);

  Call call_;
  std::unique_ptr<lua_State, void (*)(lua_State*)> lua_;
  std::map<std::string, int> functions_;  // by SHA-1: references into the registry of Lua
};

}  // namespace jeton::test::memory_redis
